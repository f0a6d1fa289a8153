import { once } from 'node:events';
import { createServer, type IncomingMessage, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { alice, bob, dave, METADATA, NOW, ORDER, PROBLEM, tokenOf, useTestApi2 } from '../support/api2.ts';

const api = useTestApi2();

describe('POST /payments', () => {
  it('books, and says where the payment is', async () => {
    const response = await api.pay();
    expect(response.status).toBe(201);
    expect(response.body).toEqual({
      id: expect.stringMatching(/^pay_/) as string,
      status: 'booked',
      ...ORDER,
      bookedAt: '2027-01-15T08:00:00.000Z',
    });
    expect(response.headers['location']).toBe(`/payments/${(response.body as { id: string }).id}`);
    expect(await api.balanceOf('acc_a1_everyday')).toBe(411_435);
    expect((await api.get(response.headers['location'] ?? '', tokenOf(alice))).body).toEqual(response.body);
    expect((await api.get(response.headers['location'] ?? '', tokenOf(bob))).status).toBe(404);
  });

  it('answers a repetition with the first answer, and books once', async () => {
    const first = await api.pay();
    const again = await api.pay();
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers).toMatchObject({
      'idempotency-replayed': 'true',
      location: first.headers['location'] as string,
    });
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(await api.balanceOf('acc_a1_everyday')).toBe(411_435);
  });

  it('keeps a refusal under its key too', async () => {
    const tooMuch = { ...ORDER, amount: '5000.00' };
    const first = await api.pay(tooMuch);
    expect([first.status, JSON.parse(first.text)]).toEqual([
      422,
      expect.objectContaining({ type: `${PROBLEM}insufficient-funds` }),
    ]);
    await api.database.db
      .updateTable('accounts')
      .set({ balance: 1_000_000n })
      .where('id', '=', ORDER.from)
      .execute();
    const again = await api.pay(tooMuch);
    expect([again.status, again.text, again.headers['idempotency-replayed']]).toEqual([
      422,
      first.text,
      'true',
    ]);
  });

  it('refuses a key that belongs to another payment, and keeps keys of different users apart', async () => {
    await api.pay();
    const other = await api.pay({ ...ORDER, amount: '12.51' });
    expect([other.status, JSON.parse(other.text)]).toEqual([
      422,
      expect.objectContaining({ type: `${PROBLEM}idempotency-key-reused` }),
    ]);
    const bobs = await api.pay(
      { ...ORDER, from: 'acc_b1_everyday', to: 'acc_a1_everyday' },
      { token: tokenOf(bob) },
    );
    expect(bobs.status).toBe(201);
  });

  it('books one of many parallel requests with one key; the others are told to wait or get its answer', async () => {
    const responses = await Promise.all(Array.from({ length: 20 }, () => api.pay()));
    const fresh = responses.filter(
      (response) => response.status === 201 && !response.headers['idempotency-replayed'],
    );
    expect(fresh).toHaveLength(1);
    expect(responses.every(({ status }) => status === 201 || status === 409)).toBe(true);
    expect(await api.balanceOf('acc_a1_everyday')).toBe(411_435);
    expect((await api.pay()).status).toBe(201);
  });

  it('never overdraws under 100 parallel payments', async () => {
    const responses = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        api.pay({ ...ORDER, amount: '100.00' }, { key: `parallel-${index}` }),
      ),
    );
    expect(responses.filter(({ status }) => status === 201)).toHaveLength(41);
    expect(responses.filter(({ status }) => status === 422)).toHaveLength(59);
    expect(await api.balanceOf('acc_a1_everyday')).toBe(2_685);
    expect(await api.balanceOf('acc_b1_everyday')).toBe(96_340 + 410_000);
  });

  it.each([
    ['zero', { ...ORDER, amount: '0.00' }, 'amount-not-positive'],
    ['a negative amount', { ...ORDER, amount: '-12.50' }, 'amount-not-positive'],
    ['more than the balance', { ...ORDER, amount: '4126.86' }, 'insufficient-funds'],
    ['an unknown account to pay from', { ...ORDER, from: 'acc_none' }, 'unknown-account'],
    [
      "somebody else's account to pay from",
      { ...ORDER, from: 'acc_b1_everyday', to: 'acc_a1_everyday' },
      'unknown-account',
    ],
    ['an unknown account to pay to', { ...ORDER, to: 'acc_none' }, 'unknown-account'],
    ['the same account twice', { ...ORDER, to: ORDER.from }, 'same-account'],
    ['an account in another currency', { ...ORDER, to: 'acc_b2_dollars' }, 'currency-mismatch'],
    ['a currency that the bank does not keep', { ...ORDER, currency: 'XTS' }, 'currency-mismatch'],
  ])('refuses %s with 422 and books nothing', async (_what, order, type) => {
    const response = await api.pay(order);
    expect([response.status, response.type]).toEqual([422, 'application/problem+json']);
    expect(JSON.parse(response.text)).toMatchObject({ type: PROBLEM + type, status: 422 });
    expect(await api.balanceOf('acc_a1_everyday')).toBe(412_685);
  });

  it("answers somebody else's account exactly like one that does not exist", async () => {
    const [foreign, unknown] = await Promise.all([
      api.pay({ ...ORDER, from: 'acc_d1_everyday' }, { key: 'a' }),
      api.pay({ ...ORDER, from: 'acc_none' }, { key: 'b' }),
    ]);
    expect(foreign.text).toBe(unknown.text);
  });

  it.each([
    ['an amount that is a number', { ...ORDER, amount: 12.5 }],
    ['an amount with the wrong places', { ...ORDER, amount: '12.5' }],
    ['a missing member', { ...ORDER, to: undefined }],
    ['a list', [ORDER]],
  ])('answers 400 to a malformed body: %s', async (_what, order) => {
    const response = await api.pay(order);
    expect([response.status, JSON.parse(response.text)]).toEqual([
      400,
      expect.objectContaining({ type: `${PROBLEM}malformed-payment` }),
    ]);
  });

  it.each([
    ['none', undefined],
    ['one of 65 characters', 'x'.repeat(65)],
    ['one with characters that do not print', 'tab\there'],
  ])('answers 400 to an Idempotency-Key that is %s', async (_what, key) => {
    const response = await request(api.app)
      .post('/payments')
      .set({
        Authorization: `Bearer ${tokenOf(alice)}`,
        ...(key === undefined ? {} : { 'Idempotency-Key': key }),
      })
      .send(ORDER);
    expect([response.status, JSON.parse(response.text)]).toEqual([
      400,
      expect.objectContaining({ type: `${PROBLEM}idempotency-key-required` }),
    ]);
  });

  it('reads the token before the body', async () => {
    for (const [type, body] of [
      ['text/plain', 'x'],
      ['application/json', '{'],
      ['application/json', 'x'.repeat(99_999)],
    ] as const) {
      const anonymous = await request(api.app).post('/payments').set('Content-Type', type).send(body);
      expect(anonymous.status).toBe(401);
    }
    const known = await request(api.app)
      .post('/payments')
      .set({
        Authorization: `Bearer ${tokenOf(alice)}`,
        'Idempotency-Key': 'k',
        'Content-Type': 'text/plain',
      })
      .send('x');
    expect(known.status).toBe(415);
  });

  it('refuses a token that the STS no longer stands by, each time it is asked', async () => {
    const token = tokenOf(alice);
    expect((await api.pay(ORDER, { token })).status).toBe(201);
    api.sts.onIntrospection(() => ({ status: 200, body: { active: false } }));
    const response = await api.pay(ORDER, { token, key: 'key-2' });
    expect(response.status).toBe(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(await api.balanceOf('acc_a1_everyday')).toBe(411_435);
    expect((await api.get('/accounts', token)).status).toBe(200);
  });

  it('asks whether the token is live when the body has come, because a body may take long', async () => {
    const introspections = () => api.sts.requests.filter((path) => path === '/connect/introspect').length;
    const introspectedBefore = introspections();
    const server = createServer(api.app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const arrived = once(server, 'request');
    const sent = httpRequest({
      port,
      host: '127.0.0.1',
      path: '/payments',
      method: 'POST',
      headers: {
        authorization: `Bearer ${tokenOf(alice)}`,
        'content-type': 'application/json',
        'idempotency-key': 'slow',
      },
    });
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
    sent.flushHeaders();
    await arrived;
    // A later payment is answered while this one waits for its body.
    expect((await api.pay(ORDER, { key: 'later' })).status).toBe(201);
    expect(introspections()).toBe(1 + introspectedBefore);
    api.sts.onIntrospection(() => ({ status: 200, body: { active: false } }));
    sent.end(JSON.stringify(ORDER));
    const [response] = await answered;
    server.closeAllConnections();
    server.close();
    expect(response.statusCode).toBe(401);
    expect(await api.balanceOf('acc_a1_everyday')).toBe(411_435);
  });

  it('answers 503 and books nothing while the STS does not answer', async () => {
    const token = tokenOf(alice);
    expect((await api.get('/accounts', token)).status).toBe(200);
    api.sts.failWith('cut');
    const response = await api.pay(ORDER, { token });
    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toMatch(/^\d+$/);
    expect(await api.balanceOf('acc_a1_everyday')).toBe(412_685);
  });
});

describe('POST /payments of a large amount', () => {
  const LARGE = { ...ORDER, amount: '500.00' };
  const old = tokenOf(alice, { auth_time: NOW - 301 });
  const booked = () => api.database.db.selectFrom('payment_answers').select('idempotency_key').execute();

  it('wants a sign-in of the last 300 seconds, and says so (RFC 9470 §3)', async () => {
    const response = await api.pay(LARGE, { token: old });
    expect(response.status).toBe(401);
    expect(response.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_user_authentication", ' +
        'error_description="This needs a sign-in that is at most 300 seconds old.", ' +
        `max_age="300", resource_metadata="${METADATA}"`,
    );
    expect(JSON.parse(response.text)).toMatchObject({
      type: `${PROBLEM}recent-authentication-required`,
      max_age: 300,
    });
  });

  it('books nothing after an old sign-in and leaves the key for the same payment after a new one', async () => {
    await api.pay(LARGE, { token: old });
    expect([await booked(), await api.balanceOf(ORDER.from)]).toEqual([[], 412_685]);
    const again = await api.pay(LARGE, { token: tokenOf(alice, { auth_time: NOW - 300 }) });
    expect([again.status, again.headers['idempotency-replayed']]).toEqual([201, undefined]);
    expect(await api.balanceOf(ORDER.from)).toBe(362_685);
  });

  it('wants it for the answer to a repetition too', async () => {
    await api.pay(LARGE);
    expect((await api.pay(LARGE, { token: old })).status).toBe(401);
    expect((await api.pay(LARGE)).headers['idempotency-replayed']).toBe('true');
  });

  it.each([
    ['a smaller amount', { ...ORDER, amount: '499.99' }, 201],
    ['less than 80000 yen', { ...ORDER, from: 'acc_a3_travel', currency: 'JPY', amount: '79999' }, 422],
    ['80000 yen', { ...ORDER, from: 'acc_a3_travel', currency: 'JPY', amount: '80000' }, 401],
    ['a malformed body', { ...LARGE, amount: '500' }, 400],
    ['a large amount below zero', { ...ORDER, amount: '-500.00' }, 422],
    ['more than the balance', { ...ORDER, amount: '50000.00' }, 401],
  ])('answers %s after an old sign-in with the status that is due first', async (_what, order, status) => {
    expect((await api.pay(order, { token: old })).status).toBe(status);
  });

  it('refuses a token without the time of a sign-in, and one that the STS no longer stands by as that', async () => {
    expect((await api.pay(LARGE, { token: tokenOf(alice, { auth_time: undefined }) })).status).toBe(401);
    api.sts.onIntrospection(() => ({ status: 200, body: { active: false } }));
    const ended = await api.pay(LARGE, { token: old });
    expect(ended.headers['www-authenticate']).toContain('error="invalid_token"');
  });
});

describe('GET /payments', () => {
  it('pages through the own payments, newest first', async () => {
    const first = await api.get('/payments?limit=5', tokenOf(alice));
    const { payments, next } = first.body as { payments: { bookedAt: string }[]; next: string };
    expect(payments).toHaveLength(5);
    const rest = await api.get(`/payments?limit=5&cursor=${next}`, tokenOf(alice));
    expect(rest.body).toMatchObject({ payments: { length: 3 }, next: null });
    expect((await api.get('/payments', tokenOf(dave))).body).toEqual({ payments: [], next: null });
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'cursor=nonsense', 'limit=1&limit=2'])(
    'answers 400 to %s',
    async (query) => {
      expect((await api.get(`/payments?${query}`, tokenOf(alice))).status).toBe(400);
    },
  );
});
