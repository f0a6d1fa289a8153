import { z } from 'zod';

const text = z.string().max(1024);

const callStep = z.object({
  from: text,
  to: text,
  kind: z.enum(['call', 'exchange']),
  route: text.optional(),
  grant: text.optional(),
  cached: z.boolean().optional(),
  at: z.number(),
  durationMs: z.number(),
  status: z.number().nullable(),
  error: text.optional(),
  reason: text.optional(),
  description: text.optional(),
  claims: z.record(z.string(), z.unknown()).optional(),
});

/**
 * One thing that happened on the way of a call: a service was called with a token, or a token was obtained. Decoded
 * claims, never a token. `docs/decisions/003-what-the-services-tell-about-a-call.md` says what each member means.
 */
export type CallStep = Readonly<z.output<typeof callStep>>;

const MAXIMUM_STEPS = 50;
const told = z.object({ steps: z.array(callStep).max(MAXIMUM_STEPS) });

/** The steps that an answer tells of; none when it tells of none, or in another form. */
export function stepsToldBy(json: unknown): readonly CallStep[] {
  return told.safeParse(json).data?.steps ?? [];
}

const JWT = /^[\w-]+\.([\w-]+)\.[\w-]*$/;

/** The claims of a JWT, decoded and not verified: for showing, never for deciding. Undefined for anything else. */
export function decodeClaims(token: string): CallStep['claims'] {
  const payload = JWT.exec(token)?.[1];
  if (payload === undefined) return undefined;
  try {
    return z
      .record(z.string(), z.unknown())
      .safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString())).data;
  } catch {
    return undefined;
  }
}
