import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TOKEN_EXCHANGE_GRANT } from '../src/derive.ts';
import { grantClient, grantSubject } from '../src/results.ts';
import { createDpopKey } from './support/dpop.ts';
import {
  as,
  BILLING,
  GRANTS,
  nowSeconds,
  ORDERS,
  startTestServer,
  subjectToken,
  type TestServer,
  USER,
} from './support/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.close());

beforeEach(() => {
  server.refused.length = 0;
  server.errors.length = 0;
  server.issued.length = 0;
});

const EXCHANGE = { subject: USER, actor: 'tier', scopes: ['billing'], target: BILLING };

const REQUEST = { grant_type: 'test', ...as('tier') };

/** One request to the server's grant, with a result; an additional header or another grant as a test likes. */
async function run(
  grant: TestServer['grant'],
  form: Record<string, string> = {},
  headers: Record<string, string> = {},
) {
  server.grant = grant;
  const response = await server.post({ ...REQUEST, ...form }, headers);
  const body = (await response.json()) as Record<string, unknown>;
  const claims = typeof body['access_token'] === 'string' ? decodeJwt(body['access_token']) : {};
  return { response, status: response.status, body, claims };
}

describe('a token that is derived from another', () => {
  test('keeps subject and login, and puts the actor outermost (RFC 8693 §4.1)', async () => {
    const from = subjectToken({ act: { sub: 'first' }, mayAct: { sub: 'tier' } });
    const { status, body, claims } = await run(() => grantSubject({ ...EXCHANGE, subjectToken: from }));
    expect(status).toBe(200);
    expect(claims).toMatchObject({
      iss: server.url,
      sub: USER,
      aud: BILLING,
      client_id: 'tier',
      scope: 'billing',
      act: { sub: 'tier', act: { sub: 'first' } },
      may_act: { sub: 'tier' },
      sid: 'session-1',
      auth_time: 1_700_000_000,
      amr: ['pwd'],
    });
    expect(claims).not.toHaveProperty('cnf');
    expect(decodeProtectedHeader(String(body['access_token']))).toMatchObject({
      typ: 'at+jwt',
      alg: 'ES256',
      kid: 'k1',
    });
  });

  test('comes alone: no refresh token, no ID token (RFC 6749 §5.1)', async () => {
    const { response, body } = await run(() => grantSubject({ ...EXCHANGE, subjectToken: subjectToken() }));
    expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'scope', 'token_type']);
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 300, scope: 'billing' });
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  test('invents no login that nobody knows of', async () => {
    const from = subjectToken({
      kind: 'external',
      sessionId: undefined,
      authTime: undefined,
      authenticationMethods: undefined,
    });
    const { claims } = await run(() =>
      grantSubject({ ...EXCHANGE, subjectToken: from, authenticationMethod: 'made-up' }),
    );
    for (const claim of ['sid', 'auth_time', 'amr']) expect(claims).not.toHaveProperty(claim);
  });

  test.each([
    ['the server’s limit', undefined, 600, 300],
    ['what the validator asks', 20, 600, 20],
    ['the subject token’s end', 300, 90, 90],
  ])('lives no longer than %s', async (_, lifetimeSeconds, remaining, expected) => {
    const now = nowSeconds();
    const from = subjectToken({ expiresAt: now + remaining });
    const { body, claims } = await run(() =>
      grantSubject({
        ...EXCHANGE,
        subjectToken: from,
        ...(lifetimeSeconds === undefined ? {} : { lifetimeSeconds }),
      }),
    );
    expect(body['expires_in']).toBeLessThanOrEqual(expected);
    expect(body['expires_in']).toBeGreaterThan(expected - 5);
    expect(Number(claims.exp) - Number(claims.iat)).toBe(body['expires_in']);
    expect(claims.exp).toBeLessThanOrEqual(from.expiresAt);
  });

  test('is known to the hook that records tokens, with parent and chain', async () => {
    const from = subjectToken({ act: { sub: 'first' } });
    const { claims } = await run(() => grantSubject({ ...EXCHANGE, subjectToken: from }));
    expect(server.issued).toMatchObject([
      {
        jti: claims.jti,
        issuance: { grantType: 'test', subjectToken: { jti: 'parent' }, actorChain: ['tier', 'first'] },
      },
    ]);
  });
});

describe.each(GRANTS)('a subject token is refused in %s', (grant_type) => {
  const error = grant_type === TOKEN_EXCHANGE_GRANT ? 'invalid_request' : 'invalid_grant';

  test.each([
    ['whose act is no object', 'subject_token', 'malformed_actor', { act: 'tier' as never }],
    ['whose act has no sub', 'subject_token', 'malformed_actor', { act: { sub: '' } }],
    [
      'whose inner act has an exp (RFC 8693 §4.1)',
      'subject_token',
      'malformed_actor',
      { act: { sub: 'a', act: { sub: 'b', exp: 1 } } },
    ],
    [
      'whose may_act names another actor (RFC 8693 §4.4)',
      'policy',
      'may_act_not_permitted',
      { mayAct: { sub: 'support' } },
    ],
    [
      'whose may_act says more than can be compared',
      'policy',
      'may_act_not_permitted',
      { mayAct: { sub: 'tier', iss: 'x' } },
    ],
    ['whose may_act is malformed', 'policy', 'may_act_malformed', { mayAct: 'tier' }],
    [
      'in whose chain the actor stands already',
      'policy',
      'cycle',
      { act: { sub: 'a', act: { sub: 'tier' } } },
    ],
    ['that has just expired', 'subject_token', 'expired', { expiresAt: nowSeconds() - 1 }],
  ])('%s', async (_, reason, detail, overrides) => {
    const from = subjectToken(overrides);
    const { status, body } = await run(
      () => grantSubject({ ...EXCHANGE, subject: from.subject, subjectToken: from }),
      {
        grant_type,
      },
    );
    expect({ status, error: body['error'], reason: body['reason'] }).toEqual({ status: 400, error, reason });
    expect(server.refused).toMatchObject([
      { error, reason, detail, subjectToken: { jti: 'parent' }, clientId: 'tier' },
    ]);
    expect(server.issued).toEqual([]);
  });

  test('whose chain is at its greatest depth', async () => {
    let act = { sub: 'actor-0' };
    for (let depth = 1; depth < 16; depth += 1) act = { sub: `actor-${depth}`, act } as typeof act;
    const { body } = await run(() => grantSubject({ ...EXCHANGE, subjectToken: subjectToken({ act }) }), {
      grant_type,
    });
    expect(body).toMatchObject({ error, reason: 'policy' });
    expect(server.refused).toMatchObject([{ detail: 'depth' }]);
  });
});

describe('DPoP (RFC 9449)', () => {
  test('a proof binds the new token to its key (§5)', async () => {
    const key = await createDpopKey(`${server.url}/token`);
    const { body, claims } = await run(
      () => grantSubject({ ...EXCHANGE, subjectToken: subjectToken() }),
      {},
      { dpop: await key.proof() },
    );
    expect(body['token_type']).toBe('DPoP');
    expect(claims['cnf']).toEqual({ jkt: key.thumbprint });
    expect(server.requests.at(-1)?.dpopThumbprint).toBe(key.thumbprint);
  });

  test('a proof counts once (§11.1)', async () => {
    const key = await createDpopKey(`${server.url}/token`);
    const headers = { dpop: await key.proof() };
    const grant = () => grantSubject({ ...EXCHANGE, subjectToken: subjectToken() });
    expect((await run(grant, {}, headers)).status).toBe(200);
    expect((await run(grant, {}, headers)).body).toMatchObject({ error: 'invalid_dpop_proof' });
  });

  test('a malformed proof is refused before the validator is asked (§5)', async () => {
    server.requests.length = 0;
    const { status, body } = await run(() => grantClient({ scopes: ['billing'] }), {}, { dpop: 'nonsense' });
    expect({ status, error: body['error'] }).toEqual({ status: 400, error: 'invalid_dpop_proof' });
    expect(server.requests).toEqual([]);
  });

  test('a client that must bind its tokens gets none without a proof (§5.2)', async () => {
    const { body } = await run(() => grantClient({ scopes: ['orders.read'] }), as('bound'));
    expect(body).toMatchObject({ error: 'invalid_grant' });
  });

  test('a subject token that is bound in another way as well is refused with any proof', async () => {
    const key = await createDpopKey(`${server.url}/token`);
    const from = subjectToken({ confirmation: { jkt: key.thumbprint, 'x5t#S256': 'certificate' } });
    const { body } = await run(
      () => grantSubject({ ...EXCHANGE, subjectToken: from }),
      {},
      { dpop: await key.proof() },
    );
    expect(body).toMatchObject({ error: 'invalid_dpop_proof', reason: 'subject_token' });
  });

  test('a bound subject token needs a proof of the presenter, and the new token is bound to its key (RFC 9449 §5)', async () => {
    const own = await createDpopKey(`${server.url}/token`);
    const other = await createDpopKey(`${server.url}/token`);
    const from = subjectToken({ confirmation: { jkt: own.thumbprint } });
    const grant = () => grantSubject({ ...EXCHANGE, subjectToken: from });
    const { claims } = await run(grant, {}, { dpop: await other.proof() });
    expect(claims['cnf']).toEqual({ jkt: other.thumbprint });
    expect((await run(grant)).body).toMatchObject({ error: 'invalid_dpop_proof', reason: 'subject_token' });
  });
});

describe('what a validator states', () => {
  test('reaches the token: its claims', async () => {
    const subscription = { plan: 'premium', renews_at: '2030-01-01', seats: [1, 2] };
    const { claims } = await run(() =>
      grantSubject({ ...EXCHANGE, subjectToken: subjectToken(), claims: { subscription } }),
    );
    expect(claims['subscription']).toEqual(subscription);
  });

  test('reaches the response: its members and issued_token_type (RFC 8693 §2.2.1)', async () => {
    const { body } = await run(() =>
      grantSubject({
        ...EXCHANGE,
        subjectToken: subjectToken(),
        response: { quota: { left: 3 } },
        issuedTokenType: 'urn:x',
      }),
    );
    expect(body).toMatchObject({ quota: { left: 3 }, issued_token_type: 'urn:x' });
  });

  test('is the login, for a user whom it authenticated itself', async () => {
    const { claims } = await run(() =>
      grantSubject({ subject: USER, authenticationMethod: 'kiosk', scopes: ['orders.read'] }),
    );
    expect(claims).toMatchObject({ sub: USER, aud: ORDERS, amr: ['kiosk'], scope: 'orders.read' });
    expect(claims['auth_time']).toBeGreaterThan(nowSeconds() - 30);
    expect(claims).not.toHaveProperty('act');
  });

  test('may be a token of the client itself, without a user', async () => {
    const { body, claims } = await run(() => grantClient({ claims: { tier: 'gold' }, lifetimeSeconds: 7 }), {
      scope: 'billing',
    });
    expect(claims).toMatchObject({
      sub: 'tier',
      client_id: 'tier',
      aud: BILLING,
      scope: 'billing',
      tier: 'gold',
    });
    expect(body['expires_in']).toBe(7);
    expect(server.issued).toMatchObject([{ issuance: { grantType: 'test', actorChain: [] } }]);
  });

  test('must be enough to know an API', async () => {
    const { status, body } = await run(() => grantClient());
    expect({ status, error: body['error'] }).toEqual({ status: 400, error: 'invalid_scope' });
  });
});
