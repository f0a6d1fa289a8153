import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import type { JWK } from 'jose';
import { createApis, type RegistrySettings } from '../../src/registry/apis.ts';
import { createClients, DELEGATION_GRANT, TRANSLATION_GRANT } from '../../src/registry/clients.ts';
import type { DelegationPolicy } from '../../src/registry/delegation-policy.ts';
import { createDemoPartner, PARTNER_ISSUER } from '../../src/registry/users-and-issuers.ts';

const fromApi1 = { actor: 'api1.client', to: 'api2', maximumDepth: 1 };

/**
 * The policy that the tests stand on, whatever rows `registry/delegation-policy.ts` has: a row of one's own breaks none of
 * them. `development-policy.test.ts` and `registry.test.ts` test the shipped one.
 */
export const FIXTURE_POLICY: DelegationPolicy = [
  {
    ...fromApi1,
    subjectToken: { api: 'api1', scope: 'api1' },
    by: [DELEGATION_GRANT, TOKEN_EXCHANGE_GRANT],
    scopes: ['api2'],
  },
  {
    ...fromApi1,
    subjectToken: { api: 'api1', scope: 'api1' },
    by: [TRANSLATION_GRANT],
    scopes: ['api2.premium'],
  },
  {
    ...fromApi1,
    subjectToken: { issuer: PARTNER_ISSUER },
    by: [TRANSLATION_GRANT],
    scopes: ['api2.premium'],
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
    ...fromApi1,
    subjectToken: { api: 'api1', scope: 'api1', subject: 'client' },
    by: [DELEGATION_GRANT, TOKEN_EXCHANGE_GRANT],
    scopes: ['api2.statistics'],
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

/** The shipped APIs and clients with that policy and the demo's partner, for the setting `REGISTRY`. */
export function fixtureRegistry(
  settings: RegistrySettings,
  keys: { readonly jwtClient: JWK; readonly partner: JWK },
): string {
  return JSON.stringify({
    apis: createApis(settings).slice(1),
    clients: createClients(settings, keys.jwtClient).map(({ secret: _secret, ...client }) => client),
    delegationPolicy: FIXTURE_POLICY,
    trustedIssuers: [createDemoPartner({ audience: settings.issuer, publicKey: keys.partner })],
  });
}
