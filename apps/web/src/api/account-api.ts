import * as z from 'zod/mini';
import type { ApiClient } from './api-client.ts';
import {
  decisionSchema,
  policySchema,
  type Policy,
  type PolicyDecision,
  type PolicyQuestion,
} from './policy.ts';

const delegationSchema = z.object({
  jti: z.string(),
  parent: z.optional(z.nullable(z.string())),
  /** Epoch seconds, as all times here. */
  at: z.number(),
  client_id: z.string(),
  /** The current actor first. */
  actors: z.array(z.string()),
  audience: z.optional(z.nullable(z.string())),
  scope: z.optional(z.nullable(z.string())),
  grant_type: z.optional(z.nullable(z.string())),
  outcome: z.enum(['issued', 'refused']),
  reason: z.optional(z.nullable(z.string())),
  expires_at: z.optional(z.nullable(z.number())),
  revoked_at: z.optional(z.nullable(z.number())),
  /** Whether the token would be taken now. */
  active: z._default(z.boolean(), false),
  /** `id` of the login session. */
  session: z.optional(z.nullable(z.string())),
  /** The user has taken this right from the client for the rest of that session. */
  blocked: z._default(z.boolean(), false),
});

const delegationsSchema = z.object({
  delegations: z.array(delegationSchema),
  next: z.nullable(z.string()),
});

const sessionsSchema = z.object({
  sessions: z.array(
    z.object({
      id: z.string(),
      client_ids: z.array(z.string()),
      signed_in_at: z.number(),
      /** `Firefox on Linux`. */
      browser: z.optional(z.nullable(z.string())),
      current: z.boolean(),
    }),
  ),
});

export type Delegation = z.infer<typeof delegationSchema>;
export type DelegationPage = z.infer<typeof delegationsSchema>;
export type LoginSession = z.infer<typeof sessionsSchema>['sessions'][number];

export interface DelegationsRequest {
  /** `next` of the page before; null for the first. */
  readonly cursor: string | null;
  /** At most 100. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** The authorization server's API for end users: only ever one's own. Errors as in ApiClient. */
export class AccountApi {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Newest first, a page at a time. */
  async delegations({ cursor, limit, signal }: DelegationsRequest): Promise<DelegationPage> {
    const query = new URLSearchParams({ limit: String(limit), ...(cursor === null ? {} : { cursor }) });
    return (await this.#client.read(delegationsSchema, `/account/delegations?${query}`, { signal })).data;
  }

  async sessions(signal?: AbortSignal): Promise<readonly LoginSession[]> {
    return (await this.#client.read(sessionsSchema, '/account/sessions', signal ? { signal } : {})).data
      .sessions;
  }

  /** Ends a delegated token and blocks its actor at that audience for the rest of the login session. */
  async revokeDelegation(jti: string): Promise<void> {
    await this.#client.send(`/account/delegations/${encodeURIComponent(jti)}`, { method: 'DELETE' });
  }

  async endSession(id: string): Promise<void> {
    await this.#client.send(`/account/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  /** Who may act for whom; exists with experiments on. */
  async policy(signal?: AbortSignal): Promise<Policy> {
    return (await this.#client.read(policySchema, '/experiments/policy', signal ? { signal } : {})).data;
  }

  /** A decision about an exchange that does not happen. */
  async decide(question: PolicyQuestion, signal?: AbortSignal): Promise<PolicyDecision> {
    const request = { method: 'POST', body: question, ...(signal ? { signal } : {}) } as const;
    return (await this.#client.read(decisionSchema, '/experiments/policy', request)).data;
  }
}
