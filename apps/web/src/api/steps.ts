import * as z from 'zod/mini';

const claimsSchema = z.record(z.string(), z.unknown());

const stepSchema = z.object({
  from: z.string(),
  to: z.string(),
  /** `issue`: the token service issued a token to itself. */
  kind: z.enum(['call', 'exchange', 'issue']),
  /** Of a call: method and path template. */
  route: z.optional(z.string()),
  /** Of an exchange: by which grant. */
  grant: z.optional(z.string()),
  /** Of an exchange: the token was still in memory, so there was no request. */
  cached: z.optional(z.boolean()),
  /** Milliseconds since API1 received the request. */
  at: z.number(),
  durationMs: z.number(),
  /** Null: no answer came. */
  status: z.nullable(z.number()),
  error: z.optional(z.string()),
  reason: z.optional(z.string()),
  description: z.optional(z.string()),
  /** Decoded: of the token that a call carried, or that an exchange brought. */
  claims: z.optional(claimsSchema),
  /** Of an exchange: what was sent and what came back; tokens and secrets are `…`. */
  request: z.optional(z.record(z.string(), z.string())),
  answer: z.optional(z.record(z.string(), z.string())),
});

/** The steps that the services report of a call; empty when they report none. */
export const stepsSchema = z._default(z.array(stepSchema), []);

export type Claims = z.infer<typeof claimsSchema>;
/** One thing that happened on the way of a call (docs/decisions/003). */
export type Step = z.infer<typeof stepSchema>;

/** The steps that a refusal tells of; none when it tells of none, or in another form. */
export function stepsOfProblem(problem: Readonly<Record<string, unknown>>): readonly Step[] {
  const parsed = stepsSchema.safeParse(problem['steps']);
  return parsed.success ? parsed.data : [];
}
