import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAccessTokenValidator } from '../src/access-token-validator.ts';
import { SELF_ISSUED } from '../src/issue.ts';
import { grantClient } from '../src/results.ts';
import { createTokenTools, type IssueClientJwtOptions, type TokenTools } from '../src/token-tools.ts';
import { as, BILLING, ORDERS, startTestServer, TARGETS, type TestServer } from './support/server.ts';

let server: TestServer;

let tools: TokenTools;

beforeAll(async () => {
  server = await startTestServer();
  tools = createTokenTools(server.provider, {
    apis: TARGETS,
    internalClients: [{ id: 'inside', scopes: ['billing'] }],
  });
});

afterAll(() => server.close());

beforeEach(() => {
  server.issued.length = 0;
});

describe('issueClientJwt', () => {
  test('gives an access token of a registered client, outside of any request (RFC 9068)', async () => {
    const jwt = await tools.issueClientJwt({
      clientId: 'tier',
      lifetimeSeconds: 15,
      scopes: ['orders.read'],
      audience: 'orders',
      claims: { job: 'nightly' },
    });
    expect(decodeProtectedHeader(jwt)).toMatchObject({ typ: 'at+jwt', alg: 'ES256', kid: 'k1' });
    const claims = decodeJwt(jwt);
    expect(claims).toMatchObject({
      iss: server.url,
      sub: 'tier',
      client_id: 'tier',
      aud: ORDERS,
      scope: 'orders.read',
      job: 'nightly',
    });
    expect(Number(claims.exp) - Number(claims.iat)).toBe(15);
    expect(server.issued).toMatchObject([
      { jti: claims.jti, issuance: { grantType: SELF_ISSUED }, ctx: undefined },
    ]);
  });

  test('gives one of an internal client, which is unknown from outside (RFC 6749 §5.2)', async () => {
    const jwt = await tools.issueClientJwt({ clientId: 'inside', lifetimeSeconds: 15, scopes: ['billing'] });
    expect(decodeJwt(jwt)).toMatchObject({ sub: 'inside', aud: BILLING });
    const response = await server.post({
      grant_type: 'client_credentials',
      scope: 'billing',
      client_id: 'inside',
    });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: 'invalid_client' });
  });

  test('inside a grant it is nobody’s request', async () => {
    server.grant = async () => {
      await tools.issueClientJwt({ clientId: 'inside', lifetimeSeconds: 15, scopes: ['billing'] });
      return grantClient({ scopes: ['billing'] });
    };
    expect((await server.post({ grant_type: 'test', ...as('tier') })).status).toBe(200);
    const [own, granted] = server.issued;
    expect(own).toMatchObject({ clientId: 'inside', ctx: undefined });
    expect(granted).toMatchObject({ clientId: 'tier' });
    expect(granted?.ctx).toBeDefined();
  });

  test.each<[string, Partial<IssueClientJwtOptions>]>([
    ['an unknown client', { clientId: 'nobody' }],
    ['no scope', { scopes: [] }],
    ['an unknown scope', { scopes: ['none'] }],
    ['a scope that the client is not registered for', { scopes: ['orders.admin'] }],
    ['scopes of two APIs', { scopes: ['orders.read', 'billing'] }],
    ['an unknown audience', { audience: 'none' }],
    ['an audience that is not the scope’s', { audience: 'billing' }],
    ['a lifetime of nothing', { lifetimeSeconds: 0 }],
    ['a lifetime below nothing', { lifetimeSeconds: -1 }],
    ['a lifetime in fractions', { lifetimeSeconds: 1.5 }],
    ['a lifetime past an hour', { lifetimeSeconds: 3601 }],
    ['a lifetime that is no number', { lifetimeSeconds: '15' as never }],
    ['a protocol claim', { claims: { sub: 'usr_1' } }],
  ])('refuses %s', async (_, wrong) => {
    const options = { clientId: 'tier', lifetimeSeconds: 15, scopes: ['orders.read'], ...wrong };
    await expect(tools.issueClientJwt(options)).rejects.toThrow(Error);
    expect(server.issued).toEqual([]);
  });

  test('refuses an internal client that somebody registered', async () => {
    const confused = createTokenTools(server.provider, {
      apis: TARGETS,
      internalClients: [{ id: 'tier', scopes: ['billing'] }],
    });
    await expect(
      confused.issueClientJwt({ clientId: 'tier', lifetimeSeconds: 15, scopes: ['billing'] }),
    ).rejects.toThrow(/internal/);
  });
});

test('a configuration that drops the claims of a token is found out', async () => {
  const careless = await startTestServer({ configuration: { extraTokenClaims: () => undefined } });
  try {
    const own = createTokenTools(careless.provider, { apis: TARGETS });
    const options = {
      clientId: 'tier',
      lifetimeSeconds: 15,
      scopes: ['billing'],
      claims: { job: 'nightly' },
    };
    await expect(own.issueClientJwt(options)).rejects.toThrow(/extraTokenClaims/);
  } finally {
    await careless.close();
  }
});

describe('issueJwt', () => {
  test('gives a JWT that is never an access token (RFC 8725 §3.11)', async () => {
    const jwt = await tools.issueJwt({
      lifetimeSeconds: 60,
      claims: { sub: 'usr_1', aud: ORDERS, client_id: 'web', scope: 'orders.read' },
    });
    expect(decodeProtectedHeader(jwt)).toMatchObject({ typ: 'JWT', alg: 'ES256', kid: 'k1' });
    const { exp, iat, iss, jti } = decodeJwt(jwt);
    expect({ iss, lifetime: Number(exp) - Number(iat) }).toEqual({ iss: server.url, lifetime: 60 });
    expect(jti).toBeTypeOf('string');

    const jwks = (await (await fetch(`${server.url}/jwks`)).json()) as { keys: [] };
    const validator = createAccessTokenValidator({
      issuer: server.url,
      jwks: () => jwks,
      statusOf: async () => ({ active: true }),
    });
    expect(await validator.validate(jwt)).toMatchObject({ ok: false, detail: 'wrong_type' });
  });

  test.each(['iss', 'iat', 'exp', 'jti'])('refuses %s among the claims', async (claim) => {
    await expect(tools.issueJwt({ lifetimeSeconds: 60, claims: { [claim]: 1 } })).rejects.toThrow(TypeError);
  });

  test.each([0, -1, 1.5, 3601])('refuses a lifetime of %s seconds', async (lifetimeSeconds) => {
    await expect(tools.issueJwt({ lifetimeSeconds, claims: {} })).rejects.toThrow(RangeError);
  });
});
