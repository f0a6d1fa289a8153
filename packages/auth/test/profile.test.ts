import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { SignJWT, type JWTHeaderParameters } from 'jose';
import { describe, expect, it } from 'vitest';
import type { AccessTokenProfile } from '../src/profile.ts';
import { createAccessTokenVerifier } from '../src/verifier.ts';

const NOW = 1_800_000_000;
const TIMES = { iat: NOW - 10, exp: NOW + 290 };

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const JWKS = {
  keys: [{ ...createPublicKey(rsa.privateKey).export({ format: 'jwk' }), kid: 'k1', use: 'sig' }],
};

function sign(claims: object, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
  return new SignJWT({ ...TIMES, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header })
    .sign(rsa.privateKey);
}

interface ForeignServer {
  readonly name: string;
  readonly issuer: string;
  readonly audience: string;
  readonly profile: AccessTokenProfile | undefined;
  readonly header: Partial<JWTHeaderParameters>;
  readonly claims: object;
  readonly expected: object;
  /** From RFC 9068. */
  readonly differences: readonly string[];
}

const TYP_JWT = 'typ is "jwt", and profile.types has ["at+jwt"]';
const NO_TYP = 'typ is "none", and profile.types has ["at+jwt"]';
const NO_CLIENT = 'no claim client_id names the client: see profile.clientClaim';
const NO_JTI = 'there is no jti: see profile.mayLack';
const SCOPE_LIST = 'scope is no text: see profile.scopeClaim';

/** Tokens shaped as each server issues them by default; the README of this package has the same profiles. */
const SERVERS: readonly ForeignServer[] = [
  {
    name: 'Keycloak',
    issuer: 'https://id.example/realms/shop',
    audience: 'orders',
    profile: {
      types: ['jwt'],
      clientClaim: 'azp',
      allowOtherAudiences: true,
      requiredClaims: { typ: 'Bearer' },
    },
    header: { typ: 'JWT' },
    claims: {
      jti: 'onrtac:6d0d2f0e',
      aud: ['orders', 'account'],
      sub: '7d0f',
      typ: 'Bearer',
      azp: 'web',
      sid: 's1',
      acr: '1',
      realm_access: { roles: ['user'] },
      scope: 'openid email orders',
    },
    expected: { clientId: 'web', scopes: ['openid', 'email', 'orders'], sessionId: 's1' },
    differences: ['aud is a list, ["orders","account"]: see profile.allowOtherAudiences', TYP_JWT, NO_CLIENT],
  },
  {
    name: 'Microsoft Entra ID',
    issuer: 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0',
    audience: '6e74172b-be56-4843-9ff4-e66a39bb12e3',
    profile: {
      types: ['jwt'],
      clientClaim: 'azp',
      scopeClaim: 'scp',
      mayLack: ['jti'],
      requiredClaims: { ver: '2.0' },
    },
    header: { typ: 'JWT' },
    claims: {
      aud: '6e74172b-be56-4843-9ff4-e66a39bb12e3',
      nbf: NOW - 10,
      azp: '0b7c',
      azpacr: '1',
      oid: 'o1',
      scp: 'Orders.Read',
      sub: 'AAAA',
      tid: '11111111-2222-3333-4444-555555555555',
      uti: 'u1',
      ver: '2.0',
    },
    expected: { clientId: '0b7c', scopes: ['Orders.Read'], jti: '' },
    differences: [TYP_JWT, NO_CLIENT, NO_JTI],
  },
  {
    name: 'Auth0',
    issuer: 'https://shop.eu.auth0.com/',
    audience: 'https://orders.example',
    profile: { types: ['jwt'], clientClaim: 'azp', allowOtherAudiences: true, mayLack: ['jti'] },
    header: { typ: 'JWT' },
    claims: {
      sub: 'auth0|1',
      aud: ['https://orders.example', 'https://shop.eu.auth0.com/userinfo'],
      azp: 'web',
      scope: 'openid orders',
    },
    expected: { clientId: 'web', scopes: ['openid', 'orders'] },
    differences: [
      'aud is a list, ["https://orders.example","https://shop.eu.auth0.com/userinfo"]: see profile.allowOtherAudiences',
      TYP_JWT,
      NO_CLIENT,
      NO_JTI,
    ],
  },
  {
    name: 'Okta',
    issuer: 'https://shop.okta.com/oauth2/default',
    audience: 'api://default',
    profile: { types: ['none'], clientClaim: 'cid', scopeClaim: 'scp' },
    header: {},
    claims: {
      ver: 1,
      jti: 'AT.1',
      aud: 'api://default',
      cid: 'web',
      uid: 'u1',
      scp: ['openid', 'orders'],
      auth_time: NOW - 60,
      sub: 'alice@shop.example',
    },
    expected: { clientId: 'web', scopes: ['openid', 'orders'], authTime: NOW - 60 },
    differences: [NO_TYP, NO_CLIENT],
  },
  {
    name: 'Duende IdentityServer',
    issuer: 'https://id.example',
    audience: 'orders',
    profile: { scopeClaim: 'scope' },
    header: { typ: 'at+jwt' },
    claims: {
      nbf: NOW - 10,
      aud: 'orders',
      scope: ['openid', 'orders'],
      amr: ['pwd'],
      client_id: 'web',
      sub: '818727',
      auth_time: NOW - 60,
      idp: 'local',
      sid: 's1',
      jti: 'J1',
    },
    expected: { clientId: 'web', scopes: ['openid', 'orders'], authenticationMethods: ['pwd'] },
    differences: [SCOPE_LIST],
  },
  {
    name: 'Spring Authorization Server',
    issuer: 'https://id.example',
    audience: 'web',
    profile: { types: ['none'], scopeClaim: 'scope', mayLack: ['client'] },
    header: {},
    claims: { sub: 'user1', aud: 'web', nbf: NOW - 10, scope: ['orders'], jti: 'J1' },
    expected: { clientId: '', scopes: ['orders'], audience: 'web' },
    differences: [NO_TYP, NO_CLIENT, SCOPE_LIST],
  },
];

function verifierOf(
  { issuer, audience }: Pick<ForeignServer, 'issuer' | 'audience'>,
  profile: AccessTokenProfile | undefined,
  warnings: string[] = [],
) {
  return createAccessTokenVerifier({
    issuer,
    audience,
    jwks: JWKS,
    algorithms: ['RS256'],
    profile,
    now: () => NOW,
    onWarning: (warning) => warnings.push(warning),
  });
}

describe.each(SERVERS)('an access token of $name', (server) => {
  const token = () => sign({ iss: server.issuer, ...server.claims }, server.header);

  it('is accepted with its profile', async () => {
    const verdict = await verifierOf(server, server.profile).verify(await token());
    expect(verdict).toMatchObject({ ok: true, token: { audience: server.audience, ...server.expected } });
  });

  it('is refused without one, and a warning says every difference with its option', async () => {
    const warnings: string[] = [];
    expect(await verifierOf(server, undefined, warnings).verify(await token())).toMatchObject({ ok: false });
    const refused = `a token that the keys of ${server.issuer} verify is refused: `;
    expect(warnings).toEqual([refused + server.differences.join('; ')]);
  });

  it('is refused for another API', async () => {
    const other = { issuer: server.issuer, audience: 'https://billing.example' };
    expect(await verifierOf(other, server.profile).verify(await token())).toMatchObject({
      ok: false,
      detail: 'wrong_audience',
    });
  });
});

describe('a profile', () => {
  const issuer = 'https://id.example/realms/shop';
  const [keycloak] = SERVERS;
  const idToken = { iss: issuer, sub: '7d0f', aud: ['orders'], azp: 'orders', jti: 'j', typ: 'ID' };

  it("tells Keycloak's ID token from its access token by a claim (RFC 8725 §3.12)", async () => {
    const jwt = await sign(idToken, { typ: 'JWT' });
    const { requiredClaims: _, ...careless } = keycloak?.profile ?? {};
    const at = { issuer, audience: 'orders' };
    expect(await verifierOf(at, careless).verify(jwt)).toMatchObject({ ok: true });
    expect(await verifierOf(at, keycloak?.profile).verify(jwt)).toMatchObject({
      ok: false,
      detail: 'malformed_claim',
    });
  });

  it('takes the one key that fits for a token without kid, and only when it says so', async () => {
    const at = { issuer, audience: 'orders' };
    const claims = { iss: issuer, sub: 's', aud: 'orders', client_id: 'web', jti: 'j' };
    const jwt = await sign(claims, { typ: 'at+jwt', kid: undefined as never });
    expect(await verifierOf(at, { mayLack: ['kid'] }).verify(jwt)).toMatchObject({ ok: true });
    expect(await verifierOf(at, {}).verify(jwt)).toMatchObject({ ok: false, detail: 'unknown_key' });
    const [key] = JWKS.keys;
    const twins = {
      keys: [
        { ...key, kid: 'k1' },
        { ...key, kid: 'k2' },
      ],
    };
    const verifier = createAccessTokenVerifier({
      ...at,
      jwks: twins,
      algorithms: ['RS256'],
      profile: { mayLack: ['kid'] },
      now: () => NOW,
    });
    expect(await verifier.verify(jwt)).toMatchObject({ ok: false, detail: 'unknown_key' });
  });

  it('limits the size of a token', async () => {
    const claims = {
      iss: issuer,
      sub: 's',
      aud: 'orders',
      client_id: 'web',
      jti: 'j',
      filler: 'x'.repeat(9000),
    };
    const jwt = await sign(claims, { typ: 'at+jwt' });
    const at = { issuer, audience: 'orders' };
    expect(await verifierOf(at, undefined).verify(jwt)).toMatchObject({ ok: false, detail: 'malformed' });
    expect(await verifierOf(at, { maximumTokenLength: 20_000 }).verify(jwt)).toMatchObject({ ok: true });
  });

  it.each<[string, object]>([
    ['no types', { types: [] }],
    ['an empty client claim', { clientClaim: '' }],
    ['an empty scope claim', { scopeClaim: '' }],
    ['a negative length', { maximumTokenLength: -1 }],
  ])('with %s is refused at creation', (_what, profile) => {
    expect(() => verifierOf({ issuer, audience: 'orders' }, profile)).toThrow(TypeError);
  });
});
