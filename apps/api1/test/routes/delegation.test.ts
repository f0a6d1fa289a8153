import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { API2, METADATA, PROBLEM, userToken, useTestApi1 } from '../support/api1.ts';

const api = useTestApi1();

const ROUTES = [
  ['/accounts', 'delegation', 'api2'],
  ['/payments', 'delegation', 'api2'],
  ['/insights', 'translation', 'api2.premium'],
  ['/chain', 'delegation', 'api2'],
] as const;

const pay = (body: object = { from: 'a' }, headers: Record<string, string> = { 'Idempotency-Key': 'k' }) =>
  request(api.app)
    .post('/payments')
    .set({ Authorization: `Bearer ${userToken()}`, ...headers })
    .send(body);

describe('the token that API2 gets', () => {
  it.each(ROUTES)(
    'is for %s obtained by %s with the scope %s, and never the one that came',
    async (path, grant, scope) => {
      const token = userToken();
      await api.get(path, token);
      expect(api.seen).toHaveLength(1);
      expect(api.seen[0]?.claims).toMatchObject({
        aud: API2,
        scope,
        grant,
        sub: 'user-1',
        act: { sub: 'api1.client' },
      });
      expect(api.seen[0]?.headers.authorization).not.toContain(token);
    },
  );

  it('is obtained once for many calls, and never shared between users', async () => {
    const [alice, bob] = [userToken({ sub: 'alice' }), userToken({ sub: 'bob' })];
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => api.get('/accounts', index % 2 ? alice : bob)),
    );
    expect(api.tokenRequests()).toBe(2);
    expect(api.seen.filter(({ claims }) => claims['sub'] === 'alice')).toHaveLength(10);
  });

  it('is obtained once more when API2 answers 401, and the second answer is final', async () => {
    api.answerJson(401, {});
    const response = await api.get('/accounts', userToken());
    expect(response.status).toBe(502);
    expect([api.tokenRequests(), api.seen.length]).toEqual([2, 2]);
  });
});

describe('what API2 answers is passed on', () => {
  it('with status, Location and replay mark; the order and its key go through as they came', async () => {
    const payment = { id: 'pay_1', status: 'booked', amount: '12.50' };
    api.answerJson(201, payment, {
      location: '/payments/pay_1',
      'idempotency-replayed': 'true',
      'x-internal': 'x',
    });
    const order = { from: 'a', to: 'b', amount: '12.50', currency: 'EUR', reference: 'é' };
    const response = await pay(order, { 'Idempotency-Key': 'key 1', 'X-Request-Id': 'request-0001' });
    expect([response.status, response.body]).toEqual([201, payment]);
    expect(response.headers).toMatchObject({ location: '/payments/pay_1', 'idempotency-replayed': 'true' });
    expect(response.headers['x-internal']).toBeUndefined();
    expect(api.seen[0]).toMatchObject({
      method: 'POST',
      url: '/payments',
      headers: { 'idempotency-key': 'key 1', 'x-request-id': 'request-0001' },
    });
    expect(JSON.parse(api.seen[0]?.body ?? '')).toEqual(order);
  });

  it.each([400, 404, 409, 422, 429])('also the refusal %d', async (status) => {
    const refusal = { type: `${PROBLEM}x`, title: 'X', status, detail: 'Because.' };
    api.answerJson(status, refusal, { 'retry-after': '7' });
    const response = await pay();
    expect([response.status, response.type, JSON.parse(response.text)]).toEqual([
      status,
      'application/problem+json',
      refusal,
    ]);
    expect(response.headers['retry-after']).toBe('7');
  });

  it('keeps what comes from outside within its part of the path', async () => {
    await api.get('/payments/..%2Finsights%3Fx', userToken());
    await api.get('/payments?limit=2&cursor=a%20b', userToken());
    expect(api.seen.map(({ url }) => url)).toEqual([
      '/payments/..%2Finsights%3Fx',
      '/payments?limit=2&cursor=a%20b',
    ]);
  });
});

describe('when something behind API1 refuses', () => {
  it.each([
    ['subject_token', 401, 'error="invalid_token"'],
    ['policy', 403, 'error="insufficient_scope"'],
    ['subscription', 403, 'error="insufficient_scope"'],
  ])('the STS, for the reason %s: %d', async (reason, status, challenge) => {
    api.sts.onToken(() => ({
      status: 400,
      body: { error: 'invalid_grant', error_description: 'the subscription has lapsed', reason },
    }));
    for (const [path] of ROUTES) {
      const response = await api.get(path, userToken());
      expect([path, response.status]).toEqual([path, status]);
      expect(response.headers['www-authenticate']).toContain(challenge);
      expect(JSON.parse(response.text)).toMatchObject({ reason });
      expect(response.text).not.toContain('has lapsed');
      expect(response.headers['www-authenticate']).not.toContain('has lapsed');
    }
    expect(api.seen).toEqual([]);
  });

  it("API2, 403: 403 with API2's reason", async () => {
    api.answerJson(403, {
      type: `${PROBLEM}wrong-actor`,
      title: 'Wrong actor',
      status: 403,
      detail: 'Not you.',
    });
    const response = await api.get('/accounts', userToken());
    expect(response.status).toBe(403);
    expect(JSON.parse(response.text)).toEqual({
      type: `${PROBLEM}wrong-actor`,
      title: 'Wrong actor',
      status: 403,
      detail: 'Not you.',
      reason: 'wrong-actor',
    });
    expect(response.headers['www-authenticate']).toContain('error="insufficient_scope"');
  });

  it.each(['/accounts', '/chain', '/insights'])(
    'API2 on %s, for the want of a recent sign-in: the same with its own metadata (RFC 9470 §3)',
    async (path) => {
      const challenge = 'Bearer error="insufficient_user_authentication", max_age="120"';
      api.answerJson(401, { detail: 'of API2', max_age: 9 }, { 'www-authenticate': challenge });
      const response = await api.get(path, userToken());
      expect(response.status).toBe(401);
      expect(response.headers['www-authenticate']).toBe(
        'Bearer error="insufficient_user_authentication", ' +
          'error_description="This needs a sign-in that is at most 120 seconds old.", ' +
          `max_age="120", resource_metadata="${METADATA}"`,
      );
      expect(JSON.parse(response.text)).toMatchObject({
        type: `${PROBLEM}recent-authentication-required`,
        max_age: 120,
      });
      expect([api.seen.length, api.tokenRequests()]).toEqual([1, 1]);
    },
  );

  it.each([
    ['500', 500, {}, 502],
    ['503 for a while', 503, { 'retry-after': '9' }, 503],
    ['503 for ever', 503, {}, 502],
    ['a redirect', 302, { location: 'http://evil.example/' }, 502],
  ] as const)('API2 answers %s', async (_what, status, headers, expected) => {
    api.answerJson(status, { detail: 'internal' }, headers);
    const response = await api.get('/accounts', userToken());
    expect(response.status).toBe(expected);
    expect(response.text).not.toContain('internal');
    expect(api.seen).toHaveLength(1);
  });

  it.each([
    ['text', 'text/html', '<p>hello</p>'],
    ['JSON that is none', 'application/json', '{"accounts":'],
    ['a list', 'application/json', '[]'],
    ['more than a megabyte', 'application/json', JSON.stringify({ x: 'x'.repeat(1_100_000) })],
  ])('API2 answers %s: 502', async (_what, type, body) => {
    api.answer = (_seen, res) => void res.writeHead(200, { 'content-type': type }).end(body);
    expect((await api.get('/accounts', userToken())).status).toBe(502);
  });

  it.each([
    ['cuts the connection', (res: { destroy: () => unknown }) => void res.destroy()],
    ['does not answer in time', () => undefined],
  ])('API2 %s: 503 with Retry-After', async (_what, behave) => {
    api.answer = (_seen, res) => behave(res);
    api.restart({ timeoutMs: 500 });
    const response = await api.get('/accounts', userToken());
    expect([response.status, response.headers['retry-after']]).toEqual([503, '5']);
  });

  it('API2 is not there: 503 with Retry-After', async () => {
    api.restart({ api2Url: 'http://127.0.0.1:1' });
    const response = await api.get('/accounts', userToken());
    expect([response.status, response.headers['retry-after']]).toEqual([503, '5']);
  });

  it('the STS fails: 503 with Retry-After', async () => {
    api.sts.onToken(() => ({
      status: 503,
      body: { error: 'temporarily_unavailable' },
      headers: { 'retry-after': '3' },
    }));
    const response = await api.get('/insights', userToken());
    expect([response.status, response.headers['retry-after']]).toEqual([503, '3']);
  });
});
