import { type JSONWebKeySet, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type AccessTokenValidatorOptions,
  createAccessTokenValidator,
  isClientToken,
} from '../src/access-token-validator.ts';
import { nowSeconds, ORDERS, startTestServer, type TestServer, USER } from './support/server.ts';

let server: TestServer;

let jwks: JSONWebKeySet;

beforeAll(async () => {
  server = await startTestServer();
  jwks = (await (await fetch(`${server.url}/jwks`)).json()) as JSONWebKeySet;
});

afterAll(() => server.close());

const claims = (overrides: JWTPayload = {}): JWTPayload => ({
  sub: USER,
  aud: ORDERS,
  client_id: 'web',
  scope: 'orders.read orders.write',
  jti: 'jti-1',
  iat: nowSeconds(),
  exp: nowSeconds() + 60,
  ...overrides,
});

const validator = (overrides: Partial<AccessTokenValidatorOptions> = {}) =>
  createAccessTokenValidator({
    issuer: server.url,
    jwks: () => jwks,
    statusOf: async () => ({ active: true }),
    ...overrides,
  });

test('gives the token in the contract’s words', async () => {
  const act = { sub: 'a', act: { sub: 'b' } };
  const jwt = await server.sign(
    claims({ act, may_act: { sub: 'x' }, sid: 's', auth_time: 1, amr: ['pwd'], cnf: { jkt: 'k' } }),
  );
  expect(await validator().validate(jwt)).toMatchObject({
    ok: true,
    token: {
      kind: 'access_token',
      subject: USER,
      jti: 'jti-1',
      issuer: server.url,
      audience: ORDERS,
      clientId: 'web',
      scopes: ['orders.read', 'orders.write'],
      act,
      actorChain: ['a', 'b'],
      mayAct: { sub: 'x' },
      sessionId: 's',
      authTime: 1,
      authenticationMethods: ['pwd'],
      confirmation: { jkt: 'k' },
      claims: { sub: USER },
    },
  });
});

test('tells a client’s own token from a user’s', async () => {
  const tokenOf = async (overrides: JWTPayload) => {
    const validated = await validator().validate(await server.sign(claims(overrides)));
    return validated.ok && isClientToken(validated.token);
  };
  expect(await tokenOf({ sub: 'machine', client_id: 'machine' })).toBe(true);
  expect(await tokenOf({})).toBe(false);
});

describe('refuses', () => {
  test.each<[string, string, JWTPayload, string]>([
    ['an ID token (RFC 9068 §4)', 'wrong_type', {}, 'JWT'],
    ['a logout token', 'wrong_type', {}, 'logout+jwt'],
    ['a token of another issuer', 'wrong_issuer', { iss: 'https://evil.example' }, 'at+jwt'],
    ['an expired token', 'expired', { exp: nowSeconds() - 60 }, 'at+jwt'],
    ['a token from the future', 'not_yet_valid', { iat: nowSeconds() + 60 }, 'at+jwt'],
    ['a token without a jti', 'malformed_claim', { jti: '' }, 'at+jwt'],
    ['a token for two audiences', 'malformed_claim', { aud: [ORDERS, 'x'] }, 'at+jwt'],
    ['a malformed act', 'malformed_actor', { act: { sub: 1 } }, 'at+jwt'],
  ])('%s', async (_, detail, overrides, typ) => {
    const jwt = await server.sign(claims(overrides), typ);
    expect(await validator().validate(jwt)).toMatchObject({ ok: false, detail });
  });

  test('a tampered token', async () => {
    const [header = '', , signature = ''] = (await server.sign(claims())).split('.');
    const payload = Buffer.from(JSON.stringify(claims({ iss: server.url, sub: 'usr_2' }))).toString(
      'base64url',
    );
    expect(await validator().validate(`${header}.${payload}.${signature}`)).toMatchObject({
      ok: false,
      detail: 'bad_signature',
    });
  });

  test('a token that does not hold any more, and says whose it was', async () => {
    const asked: unknown[] = [];
    const statusOf = async (...question: unknown[]) => {
      asked.push(question);
      return { active: false, detail: 'session_ended' } as const;
    };
    const verdict = await validator({ statusOf }).validate(await server.sign(claims()), {
      now: nowSeconds(),
    });
    expect(verdict).toMatchObject({
      ok: false,
      detail: 'session_ended',
      subjectToken: { subject: USER, jti: 'jti-1' },
    });
    expect(asked).toEqual([['jti-1', expect.any(Number)]]);
  });

  test('a token without the expected scope', async () => {
    const jwt = await server.sign(claims());
    expect(await validator().validate(jwt, { expectedScope: 'orders.read' })).toMatchObject({ ok: true });
    expect(await validator().validate(jwt, { expectedScope: 'orders' })).toMatchObject({
      ok: false,
      detail: 'missing_scope',
      subjectToken: { jti: 'jti-1' },
    });
  });
});

test('does not ask the ledger about a token that is not genuine', async () => {
  const statusOf = () => Promise.reject(new Error('asked'));
  expect(await validator({ statusOf }).validate('x.y.z')).toMatchObject({
    ok: false,
    detail: 'malformed',
  });
});

test('throws when the ledger cannot be had', async () => {
  const statusOf = () => Promise.reject(new Error('down'));
  await expect(validator({ statusOf }).validate(await server.sign(claims()))).rejects.toThrow('down');
});

test('forgets a remembered token when its key is no longer published', async () => {
  let current = jwks;
  const rotating = validator({ jwks: () => current });
  const jwt = await server.sign(claims());
  expect(await rotating.validate(jwt)).toMatchObject({ ok: true });
  current = { keys: [] };
  expect(await rotating.validate(jwt)).toMatchObject({ ok: false, detail: 'unknown_key' });
});
