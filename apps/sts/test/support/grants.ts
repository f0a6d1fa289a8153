/**
 * The set-up of the grants’ tests: the development registry and policy, access tokens with real signatures, a
 * ledger in which a test can end a token or block an actor, and requests as oidc-provider hands them to a validator.
 */

import { createAccessTokenValidator, type ExtensionGrantRequest } from '@behalf/extension-grants';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { ExchangeDependencies } from '../../src/grants/authorize-actor.ts';
import { DEVELOPMENT_ADDRESSES as AT, createApiRegistry, createApis } from '../../src/registry/apis.ts';
import { ALICE } from '../../src/registry/users-and-issuers.ts';
import { NOW } from './subject-token.ts';
import { FIXTURE_POLICY } from './policy.ts';

export { NOW };

const API1_CLIENT = { id: 'api1.client', scopes: ['api2', 'api2.premium', 'actor'] };

export const API2_CLIENT = { id: 'api2.client', scopes: ['subscriptions.read', 'actor'] };

/** Alice's own token for api1. A claim that is undefined is left out. */
export const USER_CLAIMS = {
  iss: AT.issuer,
  sub: ALICE,
  aud: AT.api1Resource,
  client_id: 'web.client',
  scope: 'api1',
  jti: 'users-token',
  iat: NOW - 10,
  exp: NOW + 590,
  sid: 'session-of-alice',
  auth_time: NOW - 10,
  amr: ['pwd'],
} as const;

/** The token that api1.client got for api2 by delegation. */
export const DELEGATED_CLAIMS = {
  ...USER_CLAIMS,
  aud: AT.api2Resource,
  client_id: 'api1.client',
  scope: 'api2',
  jti: 'delegated-token',
  act: { sub: 'api1.client' },
};

/** api1.client's own token as an actor. */
export const ACTOR_CLAIMS = {
  iss: AT.issuer,
  sub: 'api1.client',
  aud: AT.issuer,
  client_id: 'api1.client',
  scope: 'actor',
  jti: 'actor-token',
  iat: NOW - 10,
  exp: NOW + 290,
};

/** machine.client's own token for api1: it has no user to act for, and a rule for clients alone exchanges it. */
export const MACHINE_CLAIMS = {
  ...ACTOR_CLAIMS,
  sub: 'machine.client',
  aud: AT.api1Resource,
  client_id: 'machine.client',
  scope: 'api1',
  jti: 'machine-token',
};

type Mint = (claims: Record<string, unknown>, header?: { typ?: string }) => Promise<string>;

export interface GrantBench {
  readonly ports: ExchangeDependencies;
  readonly mint: Mint;
  /** Signs with a key that is not ours. */
  readonly forge: Mint;
  /** jti of tokens that were revoked. */
  readonly ended: Set<string>;
  /** `jti actor audience` that a user blocked. */
  readonly blocked: Set<string>;
}

export async function createGrantBench(): Promise<GrantBench> {
  const [own, foreign] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
  const ended = new Set<string>();
  const blocked = new Set<string>();
  const signer =
    (key: typeof own.privateKey): Mint =>
    (claims, { typ = 'at+jwt' } = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ, kid: 'k' }).sign(key);

  const jwks = { keys: [{ ...(await exportJWK(own.publicKey)), kid: 'k' }] };
  const statusOf: ExchangeDependencies['ledger']['statusOf'] = async (jti, _now, to) => {
    if (ended.has(jti)) return { active: false, detail: 'revoked' };
    return { active: true, isBlocked: to !== undefined && blocked.has(`${jti} ${to.actor} ${to.audience}`) };
  };
  const accessTokens = createAccessTokenValidator({
    issuer: AT.issuer,
    jwks: () => jwks,
    statusOf,
  });
  return {
    ports: {
      policy: FIXTURE_POLICY,
      apis: createApiRegistry(createApis(AT)),
      accessTokens,
      ledger: { statusOf, isActorBlocked: () => Promise.resolve(false) },
    },
    mint: signer(own.privateKey),
    forge: signer(foreign.privateKey),
    ended,
    blocked,
  };
}

/** A token request of api1.client, after oidc-provider's own checks. */
export function requestOf(
  grantType: string,
  raw: ExtensionGrantRequest['raw'],
  overrides: Partial<ExtensionGrantRequest> = {},
): ExtensionGrantRequest {
  return {
    grantType,
    raw,
    client: API1_CLIENT,
    scopes: [],
    target: undefined,
    audience: undefined,
    resource: undefined,
    dpopThumbprint: undefined,
    now: NOW,
    ...overrides,
  };
}
