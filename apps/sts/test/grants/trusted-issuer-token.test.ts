import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  claimedIssuerOf,
  createTrustedIssuerTokenValidator,
  rememberUntil,
} from '../../src/grants/trusted-issuer-token.ts';
import {
  ALICE,
  BOB,
  DEMO_USERS,
  createDemoPartner,
  PARTNER_ISSUER,
  type TrustedIssuer,
} from '../../src/registry/users-and-issuers.ts';
import type { User } from '../../src/state/users.ts';
import { NOW } from '../support/subject-token.ts';

const AUDIENCE = 'https://sts.example';

const CLAIMS = {
  iss: PARTNER_ISSUER,
  aud: AUDIENCE,
  sub: 'alice@partner',
  azp: 'api1.client',
  iat: NOW - 10,
  exp: NOW + 100,
  jti: 'one-time',
};

let partnerKey: CryptoKey;

let strangerKey: CryptoKey;

let publicKey: JWK;

let partner: TrustedIssuer;

beforeAll(async () => {
  const [pair, stranger] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
  partnerKey = pair.privateKey;
  strangerKey = stranger.privateKey;
  publicKey = { ...(await exportJWK(pair.publicKey)), kid: 'partner', alg: 'ES256' };
  partner = createDemoPartner({ audience: AUDIENCE, publicKey });
});

function sign(
  claims: Record<string, unknown> = {},
  header: { typ?: string; kid?: string } = {},
  key = partnerKey,
) {
  return new SignJWT({ ...CLAIMS, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'partner', ...header })
    .sign(key);
}

function usersWith(overrides: Partial<User> = {}) {
  return {
    findById: async (id: string): Promise<User | undefined> => {
      if (typeof id !== 'string') throw new TypeError('a database is asked for text');
      const user = DEMO_USERS.find((candidate) => candidate.id === id);
      if (user === undefined) return undefined;
      const { name, email, displayName } = user;
      return { id, name, email, displayName, mayAct: null, disabled: false, ...overrides };
    },
  };
}

async function validate(jwt: string, options: { users?: Partial<User>; issuer?: TrustedIssuer } = {}) {
  const validator = createTrustedIssuerTokenValidator({
    issuers: [options.issuer ?? partner],
    users: usersWith(options.users),
  });
  return validator.read(jwt, NOW);
}

describe('a good token of a trusted issuer', () => {
  test('becomes a subject token of our user, with nothing invented about the login', async () => {
    const validated = await validate(await sign());
    expect(validated).toMatchObject({ ok: true });
    if (!validated.ok) return;
    expect(validated.token).toMatchObject({
      kind: 'external',
      subject: ALICE,
      jti: 'one-time',
      expiresAt: NOW + 100,
      issuer: PARTNER_ISSUER,
      audience: AUDIENCE,
      scopes: [],
      act: undefined,
      actorChain: [],
      mayAct: undefined,
      sessionId: undefined,
      authTime: undefined,
      authenticationMethods: undefined,
    });
    expect(validated.token.claims['azp']).toBe('api1.client');
  });

  test.each<[string, Record<string, unknown>, { typ?: string }]>([
    ['of another mapped user', { sub: 'bob@partner' }, {}],
    ['with typ JWT (RFC 7519 §5.1)', {}, { typ: 'JWT' }],
    ['with a list of one audience (RFC 7519 §4.1.3)', { aud: [AUDIENCE] }, {}],
    ['issued exactly 300 s ago', { iat: NOW - 300 }, {}],
    ['from a clock a little ahead', { iat: NOW + 4 }, {}],
    ['with a may_act that permits its presenter (RFC 8693 §4.4)', { may_act: { sub: 'api1.client' } }, {}],
  ])('%s', async (_title, claims, header) => {
    expect(await validate(await sign(claims, header))).toMatchObject({ ok: true });
  });

  test('does not carry its issuer’s claims about the login along', async () => {
    const validated = await validate(await sign({ auth_time: NOW, amr: ['mfa'], sid: 's', scope: 'api1' }));
    expect(validated).toMatchObject({
      ok: true,
      token: { authTime: undefined, authenticationMethods: undefined, sessionId: undefined, scopes: [] },
    });
  });

  test('carries the may_act of our user, not only the issuer’s (RFC 8693 §4.4)', async () => {
    const mayAct = { sub: 'support.client' };
    const validated = await validate(await sign({ may_act: { sub: 'api1.client' } }), { users: { mayAct } });
    expect(validated).toMatchObject({ ok: true, token: { mayAct } });
  });

  test('has to be remembered as long as it could be used again', async () => {
    const lasting = await validate(await sign({ exp: NOW + 90_000, iat: NOW - 10 }));
    const short = await validate(await sign());
    if (!lasting.ok || !short.ok) throw new Error('not valid');
    expect(rememberUntil(lasting.token, partner)).toBe(NOW + 295);
    expect(rememberUntil(short.token, partner)).toBe(NOW + 105);
  });
});

describe('refuses a token', () => {
  test.each<[string, string, Record<string, unknown>]>([
    ['of an unknown issuer', '§3', { iss: 'https://stranger.example' }],
    ['of the issuer with a slash', '§3', { iss: `${PARTNER_ISSUER}/` }],
    ['for another audience', 'RFC 7519 §4.1.3', { aud: 'https://other.example' }],
    ['for a second audience, too', 'RFC 8725 §3.9', { aud: [AUDIENCE, 'https://other.example'] }],
    ['that has expired', 'RFC 7519 §4.1.4', { exp: NOW - 60 }],
    ['that expires this second', 'RFC 7519 §4.1.4', { exp: NOW }],
    ['that is not valid yet', 'RFC 7519 §4.1.5', { nbf: NOW + 60 }],
    ['issued more than 300 s ago', 'DESIGN', { iat: NOW - 301 }],
    ['issued in the future', 'RFC 7519 §4.1.6', { iat: NOW + 60 }],
    ['of somebody unmapped', 'RFC 8725 §3.8', { sub: 'mallory@partner' }],
    ['whose subject is a list', 'RFC 7519 §4.1.2', { sub: ['alice@partner'] }],
    ['whose subject is a name every object has', 'RFC 8725 §3.8', { sub: 'constructor' }],
    ['whose subject is our id and not the partner’s', 'RFC 8725 §3.8', { sub: BOB }],
    ['that carries an act', 'RFC 8693 §4.1', { act: { sub: 'partner.client' } }],
    ['that carries a malformed act', 'RFC 8693 §4.1', { act: 'partner.client' }],
    ['that carries a null act', 'RFC 8693 §4.1', { act: null }],
    ['bound to a key', 'RFC 7800', { cnf: { jkt: 'x' } }],
    ['whose may_act names somebody else', 'RFC 8693 §4.4', { may_act: { sub: 'other.client' } }],
    ['whose may_act is malformed', 'RFC 8693 §4.4', { may_act: 'api1.client' }],
    ['whose azp is a list', 'OIDC Core §2', { azp: ['api1.client'] }],
    ['whose azp is empty', 'OIDC Core §2', { azp: '' }],
    ['whose jti is a number', 'RFC 7519 §4.1.7', { jti: 7 }],
    ['whose jti is empty', 'RFC 7519 §4.1.7', { jti: '' }],
    ['whose jti is enormous', 'RFC 7519 §4.1.7', { jti: 'x'.repeat(257) }],
    ['whose exp is text', 'RFC 7519 §4.1.4', { exp: '9999999999' }],
  ])('%s (%s)', async (_title, _section, claims) => {
    expect(await validate(await sign(claims))).toMatchObject({ ok: false });
  });

  test.each(['iss', 'aud', 'sub', 'azp', 'iat', 'exp', 'jti'])('without %s', async (claim) => {
    expect(await validate(await sign({ [claim]: undefined }))).toMatchObject({ ok: false });
  });

  test.each([
    'at+jwt',
    'application/at+jwt',
    'logout+jwt',
    'dpop+jwt',
    'secevent+jwt',
    'oauth-authz-req+jwt',
  ])('of type %s (RFC 8725 §3.11)', async (typ) => {
    expect(await validate(await sign({}, { typ }))).toMatchObject({ ok: false, detail: 'wrong_type' });
  });

  test('without a claim that its issuer’s registration wants besides', async () => {
    const issuer = { ...partner, requiredClaims: [...partner.requiredClaims, 'tenant'] };
    expect(await validate(await sign(), { issuer })).toMatchObject({ ok: false });
    expect(await validate(await sign({ tenant: 't1' }), { issuer })).toMatchObject({ ok: true });
  });

  test('signed by somebody else', async () => {
    expect(await validate(await sign({}, {}, strangerKey))).toMatchObject({ ok: false });
  });

  test('without a signature (RFC 8725 §3.2)', async () => {
    expect(await validate(new UnsecuredJWT(CLAIMS).encode())).toMatchObject({ ok: false });
  });

  test('signed with the public key as a shared secret (RFC 8725 §2.1)', async () => {
    const secret = new TextEncoder().encode(JSON.stringify(publicKey));
    const jwt = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256', kid: 'partner' }).sign(secret);
    expect(await validate(jwt)).toMatchObject({ ok: false });
  });

  test('with an algorithm that is not registered for its issuer (RFC 8725 §3.1)', async () => {
    const { privateKey, publicKey: rsa } = await generateKeyPair('RS256');
    const jwks = { keys: [publicKey, { ...(await exportJWK(rsa)), kid: 'rsa' }] };
    const keys: TrustedIssuer['keys'] = { kind: 'static', jwks };
    const jwt = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'RS256', kid: 'rsa' }).sign(privateKey);
    expect(await validate(jwt, { issuer: { ...partner, keys } })).toMatchObject({ ok: false });
    expect(await validate(jwt, { issuer: { ...partner, keys, algorithms: ['RS256'] } })).toMatchObject({
      ok: true,
    });
  });

  test('of a user who is disabled', async () => {
    const jwt = await sign();
    expect(await validate(jwt, { users: { disabled: true } })).toMatchObject({
      ok: false,
      detail: 'unknown_subject',
    });
  });

  test('that was changed on the way', async () => {
    const [header, , signature] = (await sign()).split('.');
    const other = Buffer.from(JSON.stringify({ ...CLAIMS, sub: 'bob@partner' })).toString('base64url');
    expect(await validate(`${header}.${other}.${signature}`)).toMatchObject({ ok: false });
  });

  test.each(['', 'x', 'a.b.c', '....', 'x'.repeat(20_000)])('that is no JWT: %#', async (jwt) => {
    expect(claimedIssuerOf(jwt)).toBeUndefined();
    expect(await validate(jwt)).toMatchObject({ ok: false, detail: 'unknown_issuer' });
  });
});

describe('an issuer with a jwks_uri', () => {
  let answer: () => { status: number; body: string };
  const server = createServer((_request, response) => {
    const { status, body } = answer();
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  let issuer: TrustedIssuer;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    issuer = { ...partner, keys: { kind: 'remote', jwksUri: `http://127.0.0.1:${port}/jwks` } };
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test('has its keys fetched', async () => {
    answer = () => ({ status: 200, body: JSON.stringify({ keys: [publicKey] }) });
    expect(await validate(await sign(), { issuer })).toMatchObject({ ok: true });
  });

  test('that does not have the key refuses the token', async () => {
    answer = () => ({ status: 200, body: JSON.stringify({ keys: [] }) });
    const validated = await validate(await sign(), { issuer });
    expect(validated).toMatchObject({ ok: false });
    expect(validated).not.toHaveProperty('isOutage');
  });

  test.each([
    ['answers with an error', { status: 500, body: '' }],
    ['answers with nonsense', { status: 200, body: '<html>' }],
    ['answers with no key set', { status: 200, body: '{}' }],
  ])('that %s is an outage, not a bad token', async (_title, given) => {
    answer = () => given;
    expect(await validate(await sign(), { issuer })).toMatchObject({ ok: false, detail: 'keys_unavailable' });
  });
});
