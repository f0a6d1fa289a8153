import * as z from 'zod/mini';

const subjectTokenSchema = z.union([
  z.object({ api: z.string(), scope: z.string(), subject: z.optional(z.string()) }),
  z.object({ issuer: z.string() }),
]);

export const policySchema = z.object({
  rules: z.array(
    z.object({
      /** Client id of the actor. */
      actor: z.string(),
      subject_token: subjectTokenSchema,
      /** Short name of the API that the new token is for. */
      to: z.string(),
      /** Grant types. */
      by: z.array(z.string()),
      scopes: z.array(z.string()),
      maximum_depth: z.number(),
    }),
  ),
  apis: z.array(
    z.object({
      name: z.string(),
      identifier: z.string(),
      scopes: z.array(z.string()),
      /** The clients that may exchange a token for this API. */
      exchangers: z.array(z.string()),
    }),
  ),
  clients: z.array(z.object({ id: z.string(), scopes: z.array(z.string()) })),
  users: z.array(z.object({ name: z.string(), may_act: z.nullable(z.string()) })),
});

const verdictSchema = z.discriminatedUnion('allowed', [
  z.object({
    allowed: z.literal(true),
    audience: z.string(),
    scopes: z.array(z.string()),
    actors: z.array(z.string()),
  }),
  z.object({
    allowed: z.literal(false),
    /** `policy`: the table refuses; `subject_token`: the table allows it and the token does not. */
    by: z.string(),
    fault: z.string(),
    description: z.string(),
  }),
]);

export const decisionSchema = z.object({
  decision: verdictSchema,
  /** Index of the row that allows it; null for a refusal. */
  rule: z.nullable(z.number()),
  /** What each row says of it alone. */
  rules: z.array(verdictSchema),
});

/** May this client act there for the person of such a token? (docs/decisions/024) */
export interface PolicyQuestion {
  readonly actor: string;
  readonly grant_type: string;
  readonly subject_token: {
    readonly audience: string;
    /** Whose token it is: a user's, or a client's own. */
    readonly subject: 'user' | 'client';
    readonly scopes: readonly string[];
    /** The current actor first. */
    readonly actors: readonly string[];
    readonly may_act: string | null;
  };
  /** Null: the scopes say it. */
  readonly audience: string | null;
  readonly scopes: readonly string[];
}

export type Policy = z.infer<typeof policySchema>;
export type PolicyRule = Policy['rules'][number];
export type PolicyDecision = z.infer<typeof decisionSchema>;
export type PolicyVerdict = z.infer<typeof verdictSchema>;
