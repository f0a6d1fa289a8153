import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import type { ApiRegistry } from './apis.ts';
import { DELEGATION_GRANT, TRANSLATION_GRANT } from './clients.ts';
import { PARTNER_ISSUER } from './users-and-issuers.ts';

/** Who may act for a user, or for a client, is this table, and nothing else. `decide-delegation.ts` reads it. */

/** One row: this actor may turn such a token into such another one. */
export interface DelegationRule {
  /** Client id of the actor. */
  readonly actor: string;
  /**
   * The subject token: one of ours for an API and with a scope, or a JWT of a trusted issuer. It is a user's, unless the row
   * says that it is a client's own.
   */
  readonly subjectToken:
    | { readonly api: string; readonly scope: string; readonly subject?: 'client' }
    | { readonly issuer: string };
  /** Short name of the API the new token is for. */
  readonly to: string;
  readonly by: readonly string[];
  /** The most the new token may have; without a request for scopes, all of these that the client is registered for. */
  readonly scopes: readonly string[];
  /** How many actors the new token's `act` may name. */
  readonly maximumDepth: number;
  /** The new token must be bound to the actor's key (RFC 9449). */
  readonly requireDpop?: boolean;
}

export type DelegationPolicy = readonly DelegationRule[];

export const DELEGATION_POLICY: DelegationPolicy = [
  {
    actor: 'api1.client',
    subjectToken: { api: 'api1', scope: 'api1' },
    to: 'api2',
    by: [DELEGATION_GRANT, TOKEN_EXCHANGE_GRANT],
    scopes: ['api2'],
    maximumDepth: 1,
  },
  {
    actor: 'api1.client',
    subjectToken: { api: 'api1', scope: 'api1' },
    to: 'api2',
    by: [TRANSLATION_GRANT],
    scopes: ['api2.premium'],
    maximumDepth: 1,
  },
  {
    actor: 'api1.client',
    subjectToken: { issuer: PARTNER_ISSUER },
    to: 'api2',
    by: [TRANSLATION_GRANT],
    scopes: ['api2.premium'],
    maximumDepth: 1,
  },
  {
    actor: 'api2.client',
    subjectToken: { api: 'api2', scope: 'api2' },
    to: 'subscriptions',
    by: [TOKEN_EXCHANGE_GRANT],
    scopes: ['subscriptions.read'],
    maximumDepth: 2,
  },
  {
    actor: 'api1.client',
    subjectToken: { api: 'api1', scope: 'api1', subject: 'client' },
    to: 'api2',
    by: [DELEGATION_GRANT, TOKEN_EXCHANGE_GRANT],
    scopes: ['api2.statistics'],
    maximumDepth: 1,
  },
  {
    actor: 'agent.client',
    subjectToken: { api: 'agent', scope: 'agent' },
    to: 'api2',
    by: [TOKEN_EXCHANGE_GRANT],
    scopes: ['api2'],
    maximumDepth: 1,
  },
];

/**
 * Throws at start-up on a row that names an API or a scope that does not exist, or that permits nothing. Chains of users and
 * of clients are kept apart: a client's has scopes for clients alone, a user's has none of these, and a client's ends at the
 * first API, because a derived token no longer shows that its subject is a client.
 */
export function validatePolicy(policy: DelegationPolicy, apis: ApiRegistry): void {
  for (const rule of policy) {
    const row = `the policy's row for ${rule.actor} to ${rule.to}`;
    if (apis.find(rule.to) === undefined) throw new Error(`${row} leads to an unknown API`);
    if ('api' in rule.subjectToken && apis.ownerOf(rule.subjectToken.scope)?.name !== rule.subjectToken.api) {
      throw new Error(`${row} starts from a scope that ${rule.subjectToken.api} does not own`);
    }
    const foreign = rule.scopes.find((scope) => apis.ownerOf(scope)?.name !== rule.to);
    if (foreign !== undefined)
      throw new Error(`${row} grants ${foreign}, which is not a scope of ${rule.to}`);
    const isOfClient = 'api' in rule.subjectToken && rule.subjectToken.subject === 'client';
    if (rule.scopes.some((scope) => (apis.subjectOf(scope) === 'client') !== isOfClient))
      throw new Error(`${row} mixes scopes for users and for clients`);
    if ('api' in rule.subjectToken && apis.subjectOf(rule.subjectToken.scope) === 'client')
      throw new Error(`${row} starts from a token that was derived from a client's`);
    if (isOfClient && rule.maximumDepth > 1) throw new Error(`${row} leads on from a client's chain`);
    if (
      rule.scopes.length === 0 ||
      rule.by.length === 0 ||
      !Number.isInteger(rule.maximumDepth) ||
      rule.maximumDepth < 1
    ) {
      throw new Error(`${row} permits nothing`);
    }
  }
}
