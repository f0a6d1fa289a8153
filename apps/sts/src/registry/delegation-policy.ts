/**
 * Who may act for a user: the table, and nothing else. `decide-delegation.ts` reads it.
 */

import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import type { ApiRegistry } from './apis.ts';
import { DELEGATION_GRANT, TRANSLATION_GRANT } from './clients.ts';
import { PARTNER_ISSUER } from './users-and-issuers.ts';

/** One row: this actor may turn such a token into such another one. */
export interface DelegationRule {
  /** Client id of the actor. */
  readonly actor: string;
  /** What the subject token is: one of ours for an API and with a scope, or a JWT of a trusted issuer. */
  readonly subjectToken: { readonly api: string; readonly scope: string } | { readonly issuer: string };
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
];

/** Throws at start-up on a row that names an API or a scope that is not there. */
export function validatePolicy(policy: DelegationPolicy, apis: ApiRegistry): void {
  for (const edge of policy) {
    const row = `the policy's row for ${edge.actor} to ${edge.to}`;
    if (apis.find(edge.to) === undefined) throw new Error(`${row} leads to an unknown API`);
    if ('api' in edge.subjectToken && apis.ownerOf(edge.subjectToken.scope)?.name !== edge.subjectToken.api) {
      throw new Error(`${row} starts from a scope that ${edge.subjectToken.api} does not own`);
    }
    const foreign = edge.scopes.find((scope) => apis.ownerOf(scope)?.name !== edge.to);
    if (foreign !== undefined)
      throw new Error(`${row} grants ${foreign}, which is not a scope of ${edge.to}`);
    if (
      edge.scopes.length === 0 ||
      edge.by.length === 0 ||
      !Number.isInteger(edge.maximumDepth) ||
      edge.maximumDepth < 1
    ) {
      throw new Error(`${row} permits nothing`);
    }
  }
}
