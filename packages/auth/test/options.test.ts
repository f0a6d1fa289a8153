import { describe, expect, it } from 'vitest';
import { verifyAccessToken, type VerifyAccessTokenOptions } from '../src/access-token.ts';
import { createDelegationClient } from '../src/delegation-client.ts';
import {
  backchannelLogout,
  protectedResourceMetadata,
  requireAccessToken,
  requireActor,
  requireClaim,
  requireLiveToken,
  requireRecentAuthentication,
  requireScope,
} from '../src/express.ts';
import { createStaticKeySet } from '../src/key-set.ts';
import { createIntrospection, createLiveTokenCheck } from '../src/live-token.ts';
import { createLogoutReceiver } from '../src/logout-token.ts';
import { createTestIssuer } from '../src/testing.ts';
import { createAccessTokenVerifier } from '../src/verifier.ts';

const issuer = createTestIssuer();

/** Options as JavaScript may give them. */
type Any = Record<string, unknown>;

const verifier = (changes: Any) =>
  createAccessTokenVerifier({
    issuer: issuer.issuer,
    audience: issuer.audience,
    jwks: issuer.jwks(),
    ...changes,
  });

const client = (changes: Any) =>
  createDelegationClient({
    issuer: issuer.issuer,
    clientId: 'api1.client',
    clientSecret: 'a secret',
    ...changes,
  });

const receiver = {
  issuer: issuer.issuer,
  clientId: 'api1.client',
  keySet: createStaticKeySet(issuer.jwks()),
  onLogout: () => undefined,
};

const logout = (changes: Any) => createLogoutReceiver({ ...receiver, ...changes });

const NO_NAMES = [undefined, null, '', 7];

const NO_NUMBERS = [null, -1, Number.NaN, Number.POSITIVE_INFINITY, '5'];

const table = (name: string, values: readonly unknown[], create: (changes: Any) => unknown) =>
  values.map((value) => [`${name}: ${String(value)}`, () => create({ [name]: value })] as const);

describe('a malformed option is refused when it is given', () => {
  it.each([
    ...['issuer', 'audience'].flatMap((name) => table(name, NO_NAMES, verifier)),
    ...table('algorithms', [null, [], [''], 'ES256'], verifier),
    ...['maximumCachedTokens'].flatMap((name) => table(name, NO_NUMBERS, verifier)),
    ...table('address', [null, '', 'no address', 'ftp://issuer.example'], (changes) =>
      verifier({ ...changes, jwks: undefined }),
    ),
    ...table('timeoutMs', NO_NUMBERS, (changes) => verifier({ ...changes, jwks: undefined })),
    ...table('now', [null, 7], verifier),
  ])('by the verifier: %s', (_, create) => {
    expect(create).toThrow(TypeError);
  });

  it.each([
    ...['issuer', 'clientId', 'clientSecret'].flatMap((name) => table(name, NO_NAMES, client)),
    ...table('tokenEndpointAuthMethod', ['none', 'tls_client_auth'], client),
    ...['maximumAgeSeconds', 'marginSeconds', 'maximumTokens', 'timeoutMs'].flatMap((name) =>
      table(name, NO_NUMBERS, client),
    ),
    ...table('maximumTokens', [0, 1.5], client),
  ])('by the delegation client: %s', (_, create) => {
    expect(create).toThrow(TypeError);
  });

  it.each([
    ...['issuer', 'clientId'].flatMap((name) => table(name, NO_NAMES, logout)),
    ...['keySet', 'onLogout'].flatMap((name) => table(name, [undefined, {}], logout)),
    ...table('algorithms', [[], null], logout),
  ])('by the receiver of logouts: %s', (_, create) => {
    expect(create).toThrow(TypeError);
  });

  const live = (changes: Any) =>
    createLiveTokenCheck({ introspect: () => Promise.resolve({ active: false }), ...changes });
  const metadata = (changes: Any) =>
    protectedResourceMetadata({
      resource: issuer.audience,
      authorizationServers: [issuer.issuer],
      scopes: ['api'],
      ...changes,
    });

  it.each<readonly [string, () => unknown]>([
    ['requireScope()', () => requireScope(...([] as unknown as [string]))],
    ["requireScope('')", () => requireScope('')],
    ["requireScope('api', undefined)", () => requireScope('api', undefined as unknown as string)],
    ['requireActor()', () => requireActor(...([] as unknown as [string]))],
    ['requireActor(undefined)', () => requireActor(undefined as unknown as string)],
    ["requireClaim('x', undefined)", () => requireClaim('x', undefined as unknown as string)],
    ["requireClaim('x', null)", () => requireClaim('x', null as unknown as string)],
    ["requireClaim('', true)", () => requireClaim('', true)],
    ['requireClaim([], true)', () => requireClaim([] as unknown as [string], true)],
    ['requireLiveToken(undefined)', () => requireLiveToken(undefined as never)],
    ['requireRecentAuthentication({})', () => requireRecentAuthentication({} as never)],
    ['requireAccessToken without a verifier', () => requireAccessToken({ audience: 'https://x' } as never)],
    [
      "requireAccessToken(verifier, { resourceMetadata: '' })",
      () => requireAccessToken(verifier({}), { resourceMetadata: '' }),
    ],
    ['backchannelLogout', () => backchannelLogout({ ...receiver, clientId: '' })],
    ...table('maxAgeSeconds', NO_NUMBERS, (changes) => requireRecentAuthentication(changes as never)),
    ...table('cacheSeconds', NO_NUMBERS, live),
    ...table('introspect', [undefined, 7], live),
    ...table('resource', NO_NAMES, metadata),
    ...table('scopes', [[''], [undefined]], metadata),
    ...table('authorizationServers', [[''], [undefined]], metadata),
    ['createIntrospection', () => createIntrospection({ issuer: '', clientId: 'a', clientSecret: 'b' })],
  ])('elsewhere: %s', (_, create) => {
    expect(create).toThrow(TypeError);
  });

  it.each<readonly [string, unknown]>([
    ...['issuer', 'audience'].flatMap((name) => NO_NAMES.map((value) => [name, value] as const)),
    ['algorithms', []],
    ['now', Number.NaN],
  ])('by verifyAccessToken: %s: %s', async (name, value) => {
    const options = {
      issuer: issuer.issuer,
      audience: issuer.audience,
      key: createStaticKeySet(issuer.jwks()).find,
      now: issuer.now(),
      [name]: value,
    } as VerifyAccessTokenOptions;
    await expect(verifyAccessToken(issuer.mint(), options)).rejects.toThrow(TypeError);
  });
});
