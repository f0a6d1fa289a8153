import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../support/browser.ts';
import { basic, post, signIn } from '../support/sign-in.ts';
import { API1, API2, startTestSts, type TestSts } from '../support/sts.ts';

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

/** Signs in with a token for api1 and one for /account. */
async function signInForAccount(username = 'alice', browser = new Browser(sts.issuer)) {
  const tokens = await signIn(sts.issuer, {
    username,
    browser,
    scope: 'openid api1 account',
    resource: [API1, sts.issuer],
  });
  const account = await post(`${sts.issuer}/connect/token`, {
    grant_type: 'refresh_token',
    client_id: 'web.client',
    refresh_token: tokens.refreshToken,
    resource: sts.issuer,
  });
  return { ...tokens, accountToken: String(account.body['access_token']) };
}

async function call(token: string | undefined, path: string, method = 'GET') {
  const response = await fetch(`${sts.issuer}/account${path}`, {
    method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
  };
}

const delegate = (token: string, scope = 'api2') =>
  post(`${sts.issuer}/connect/token`, { grant_type: 'delegation', scope, token }, basic('api1.client'));

const rowsOf = (body: Record<string, unknown>) => body['delegations'] as Record<string, unknown>[];

describe('GET /account/delegations', () => {
  test('lists who acted for the user, granted and refused, newest first', async () => {
    const { accessToken, accountToken } = await signInForAccount();
    await delegate(accessToken);
    await delegate(accessToken, 'api2.premium');
    const { status, headers, body } = await call(accountToken, '/delegations');
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    const [refused, issued] = rowsOf(body);
    expect(refused).toMatchObject({ outcome: 'refused', reason: 'policy', client_id: 'api1.client' });
    expect(issued).toEqual({
      jti: expect.any(String),
      parent: expect.any(String),
      at: expect.any(Number),
      client_id: 'api1.client',
      actors: ['api1.client'],
      audience: API2,
      scope: 'api2',
      grant_type: 'delegation',
      outcome: 'issued',
      reason: null,
      expires_at: expect.any(Number),
      revoked_at: null,
      active: true,
      session: expect.any(String),
      blocked: false,
    });
  });

  test('says that a token is inactive whose user’s token was revoked or whose session has ended', async () => {
    await sts.state.users.add({ name: 'ursula', password: 'ursula' });
    const user = await signInForAccount('ursula');
    await delegate(user.accessToken);
    const ended = await signInForAccount('ursula');
    await delegate(ended.accessToken);
    const active = async () =>
      rowsOf((await call(user.accountToken, '/delegations')).body).map((row) => row['active']);
    expect(await active()).toEqual([true, true]);
    await call(user.accountToken, `/sessions/${String(decodeJwt(ended.accessToken)['sid'])}`, 'DELETE');
    expect(await active()).toEqual([false, true]);
    await post(`${sts.issuer}/connect/revocation`, { token: user.accessToken, client_id: 'web.client' });
    expect(await active()).toEqual([false, false]);
  });

  test('is paged', async () => {
    const { accessToken, accountToken } = await signInForAccount('carol');
    for (let count = 0; count < 3; count += 1) await delegate(accessToken);
    const first = await call(accountToken, '/delegations?limit=2');
    expect(rowsOf(first.body)).toHaveLength(2);
    const second = await call(accountToken, `/delegations?limit=2&cursor=${String(first.body['next'])}`);
    expect(rowsOf(second.body)).toHaveLength(1);
    expect(second.body['next']).toBeNull();
  });

  test.each(['limit=0', 'limit=101', 'limit=x', 'cursor=nonsense'])('refuses %s', async (query) => {
    const { accountToken } = await signInForAccount();
    expect((await call(accountToken, `/delegations?${query}`)).status).toBe(400);
  });

  test('shows nobody else’s', async () => {
    const { accessToken } = await signInForAccount('alice');
    await delegate(accessToken);
    const { accountToken } = await signInForAccount('bob');
    expect(rowsOf((await call(accountToken, '/delegations')).body)).toEqual([]);
  });
});

describe('DELETE /account/delegations/{jti}', () => {
  test('ends the delegated token and blocks its actor at that API for the rest of the session', async () => {
    const { accessToken, accountToken } = await signInForAccount();
    const delegated = String((await delegate(accessToken)).body['access_token']);
    const [row] = rowsOf((await call(accountToken, '/delegations')).body);
    expect((await call(accountToken, `/delegations/${String(row?.['jti'])}`, 'DELETE')).status).toBe(204);
    const { body } = await post(
      `${sts.issuer}/connect/introspect`,
      { token: delegated },
      basic('api2.client'),
    );
    expect(body).toEqual({ active: false });
    expect((await delegate(accessToken)).body).toMatchObject({ reason: 'policy' });

    const elsewhere = await signInForAccount();
    expect((await delegate(elsewhere.accessToken)).status).toBe(200);
  });

  test('does not know somebody else’s', async () => {
    const alice = await signInForAccount('alice');
    await delegate(alice.accessToken);
    const [row] = rowsOf((await call(alice.accountToken, '/delegations')).body);
    const bob = await signInForAccount('bob');
    const path = `/delegations/${String(row?.['jti'])}`;
    expect((await call(bob.accountToken, path, 'DELETE')).status).toBe(404);
    expect((await call(bob.accountToken, '/delegations/nothing', 'DELETE')).status).toBe(404);
  });
});

describe('/account/sessions', () => {
  test('lists the user’s live sessions and says which one is asking', async () => {
    await sts.state.users.add({ name: 'ivan', password: 'ivan' });
    const first = await signInForAccount('ivan');
    await signInForAccount('ivan');
    const { body } = await call(first.accountToken, '/sessions');
    const sessions = body['sessions'] as Record<string, unknown>[];
    expect(body['next']).toBeNull();
    expect(sessions).toHaveLength(2);
    expect(sessions.filter(({ current }) => current)).toHaveLength(1);
    expect(sessions[0]).toMatchObject({
      id: expect.any(String),
      client_ids: ['web.client'],
      signed_in_at: expect.any(Number),
      browser: null,
    });
  });

  test('says in which browser each was begun, in few words', async () => {
    await sts.state.users.add({ name: 'kim', password: 'kim' });
    const browser = new Browser(sts.issuer);
    browser.userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
    const { accountToken } = await signInForAccount('kim', browser);
    const { body } = await call(accountToken, '/sessions');
    expect(body['sessions']).toMatchObject([{ browser: 'Firefox on Linux' }]);
  });

  test('ends one: its tokens are refused at once, the other session goes on', async () => {
    await sts.state.users.add({ name: 'judy', password: 'judy' });
    const first = await signInForAccount('judy');
    const second = await signInForAccount('judy');
    const { body } = await call(first.accountToken, '/sessions');
    const other = (body['sessions'] as { id: string; current: boolean }[]).find(({ current }) => !current);
    expect((await call(first.accountToken, `/sessions/${other?.id ?? ''}`, 'DELETE')).status).toBe(204);
    const refused = await call(second.accountToken, '/sessions');
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect((await delegate(second.accessToken)).body['reason']).toBe('subject_token');
    expect((await delegate(first.accessToken)).status).toBe(200);
  });

  test('does not know somebody else’s', async () => {
    const alice = await signInForAccount('alice');
    const { body } = await call(alice.accountToken, '/sessions');
    const [session] = body['sessions'] as { id: string }[];
    const bob = await signInForAccount('bob');
    expect((await call(bob.accountToken, `/sessions/${session?.id ?? ''}`, 'DELETE')).status).toBe(404);
    expect((await call(alice.accountToken, '/sessions')).status).toBe(200);
  });
});

describe('/account', () => {
  test('challenges without an error code when no token was sent (RFC 6750 §3.1)', async () => {
    const { status, headers } = await call(undefined, '/sessions');
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toContain('resource_metadata=');
    expect(headers.get('www-authenticate')).not.toContain('error=');
  });

  test('takes no token for another API', async () => {
    const { accessToken } = await signInForAccount();
    expect((await call(accessToken, '/sessions')).status).toBe(401);
  });

  test('takes no client’s own token: it has another scope', async () => {
    const answer = await post(
      `${sts.issuer}/connect/token`,
      { grant_type: 'client_credentials', scope: 'actor' },
      basic('api1.client'),
    );
    const { status, headers } = await call(String(answer.body['access_token']), '/sessions');
    expect(status).toBe(403);
    expect(headers.get('www-authenticate')).toContain('error="insufficient_scope"');
  });

  test('lets the web client’s pages call, and no others', async () => {
    const ask = (origin: string) =>
      fetch(`${sts.issuer}/account/sessions`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'DELETE',
          'access-control-request-headers': 'authorization',
        },
      });
    const allowed = await ask('http://localhost:5173');
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
    expect(allowed.headers.get('access-control-allow-methods')).toContain('DELETE');
    const refused = await ask('http://localhost:9999');
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
  });
});
