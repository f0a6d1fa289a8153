import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createAccessTokenVerifier,
  createDelegationClient,
  createIntrospection,
  createLiveTokenCheck,
} from '@behalf/auth';
import { badTokens, createTestIssuer, type TestIssuerServer } from '@behalf/auth/testing';
import type { Database } from '@behalf/database';
import { openTestDatabase, type TestDatabase } from '@behalf/database/testing';
import { createUpstream } from '@behalf/service';
import { captureLog, type CapturedLog } from '@behalf/service/testing';
import type { Express } from 'express';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from './app.ts';
import { createSubscriptionsClient } from './clients/subscriptions.ts';
import { addDemonstrationData, DEMONSTRATION_USERS } from './storage/demonstration.ts';
import { migrations } from './storage/migrations.ts';
import type { Api2Tables } from './storage/schema.ts';

const NOW = 1_800_000_000;
const RESOURCE = 'http://localhost:4002';
const SUBSCRIPTIONS = 'http://localhost:4003';
const METADATA = `${RESOURCE}/.well-known/oauth-protected-resource`;
const PROBLEM = 'https://behalf.example/problems/';
const SECRET = 'a-secret-that-is-in-no-log';
const { alice, bob, dave } = DEMONSTRATION_USERS;

const now = () => NOW;
const issuer = createTestIssuer({ issuer: 'https://sts.example', audience: RESOURCE, now });
let sts: TestIssuerServer;
let subscriptions: Server;
let answerSubscriptions: RequestListener;
let database: TestDatabase<Api2Tables>;
let log: CapturedLog;
let app: Express;

beforeAll(async () => {
  sts = await issuer.listen();
  subscriptions = createServer((req, res) => answerSubscriptions(req, res));
  await new Promise<void>((resolve) => subscriptions.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await sts.close();
  subscriptions.closeAllConnections();
  await new Promise((resolve) => subscriptions.close(resolve));
});

beforeEach(async () => {
  database = await openTestDatabase<Api2Tables>('sqlite', { migrations });
  await addDemonstrationData(database.db, NOW);
  log = captureLog('api2');
  app = createTestApp();
  answerSubscriptions = (req, res) => {
    const claims = JSON.parse(
      Buffer.from((req.headers.authorization ?? '').split('.')[1] ?? '', 'base64url').toString(),
    ) as object;
    const record = { sub: alice, plan: 'premium', status: 'active', renewsAt: '2027-02-14' };
    res
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify(req.url === '/identity' ? claims : record));
  };
  sts.onIntrospection((form) => ({
    status: 200,
    body: { active: true, ...decode(form.get('token') ?? '') },
  }));
  sts.onToken((form) => {
    const subject = decode(form.get('subject_token') ?? '');
    const token = issuer.mint({
      ...subject,
      aud: form.get('resource'),
      client_id: 'api2.client',
      scope: form.get('scope'),
      act: { sub: 'api2.client', act: subject['act'] },
    });
    return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: 300 } };
  });
});
afterEach(async () => {
  sts.failWith(undefined);
  await database.close();
});

function createTestApp(on: Database<Api2Tables> = database): Express {
  const client = {
    issuer: issuer.issuer,
    address: sts.address,
    clientId: 'api2.client',
    clientSecret: SECRET,
  };
  const delegation = createDelegationClient({ ...client, now });
  const { port } = subscriptions.address() as AddressInfo;
  return createApp({
    logger: log.logger,
    verifier: createAccessTokenVerifier({ ...client, audience: RESOURCE, now }),
    database: on,
    live: createLiveTokenCheck({ introspect: createIntrospection(client), now }),
    delegation,
    subscriptions: createSubscriptionsClient(
      createUpstream({ name: 'The subscription service', url: `http://127.0.0.1:${port}`, timeoutMs: 500 }),
      delegation,
    ),
    subscriptionsResource: SUBSCRIPTIONS,
    actor: 'api1.client',
    clientId: 'api2.client',
    now,
  });
}

function decode(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
}

const tokenOf = (sub: string, changes: Record<string, unknown> = {}) =>
  issuer.mint({ sub, client_id: 'api1.client', scope: 'api2', act: { sub: 'api1.client' }, ...changes });
const premium = (changes: Record<string, unknown> = {}) =>
  tokenOf(alice, { scope: 'api2.premium', subscription: { plan: 'premium', status: 'active' }, ...changes });
const get = (path: string, token: string) => request(app).get(path).set('Authorization', `Bearer ${token}`);

const ORDER = {
  from: 'acc_a1_everyday',
  to: 'acc_b1_everyday',
  amount: '12.50',
  currency: 'EUR',
  reference: 'Tickets',
};
const pay = (order: unknown = ORDER, { key = 'key-1', token = tokenOf(alice) } = {}) =>
  request(app)
    .post('/payments')
    .set({ Authorization: `Bearer ${token}`, 'Idempotency-Key': key })
    .send(order as object);
const balanceOf = async (id: string) =>
  (await database.db.selectFrom('accounts').select('balance').where('id', '=', id).executeTakeFirst())
    ?.balance;

describe('accounts', () => {
  it("are the user's own, with balances as decimal strings", async () => {
    const response = await get('/accounts', tokenOf(alice));
    expect(response.body).toEqual({
      accounts: [
        { id: 'acc_a1_everyday', name: 'Everyday account', currency: 'EUR', balance: '4126.85' },
        { id: 'acc_a2_savings', name: 'Savings', currency: 'EUR', balance: '18500.00' },
        { id: 'acc_a3_travel', name: 'Travel money', currency: 'JPY', balance: '184200' },
      ],
    });
    expect((await get('/accounts', tokenOf(bob))).text).not.toContain('acc_a');
  });

  it('are none for a user who has none', async () => {
    expect((await get('/accounts', tokenOf('usr_new'))).body).toEqual({ accounts: [] });
  });
});

describe('POST /payments', () => {
  it('books, and says where the payment is', async () => {
    const response = await pay();
    expect(response.status).toBe(201);
    expect(response.body).toEqual({
      id: expect.stringMatching(/^pay_/) as string,
      status: 'booked',
      ...ORDER,
      bookedAt: '2027-01-15T08:00:00.000Z',
    });
    expect(response.headers['location']).toBe(`/payments/${(response.body as { id: string }).id}`);
    expect(await balanceOf('acc_a1_everyday')).toBe(411_435);
    expect((await get(response.headers['location'] ?? '', tokenOf(alice))).body).toEqual(response.body);
    expect((await get(response.headers['location'] ?? '', tokenOf(bob))).status).toBe(404);
  });

  it('answers a repetition with the first answer, and books once', async () => {
    const first = await pay();
    const again = await pay();
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers).toMatchObject({
      'idempotency-replayed': 'true',
      location: first.headers['location'] as string,
    });
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(await balanceOf('acc_a1_everyday')).toBe(411_435);
  });

  it('keeps a refusal under its key too', async () => {
    const tooMuch = { ...ORDER, amount: '5000.00' };
    const first = await pay(tooMuch);
    expect([first.status, JSON.parse(first.text)]).toEqual([
      422,
      expect.objectContaining({ type: `${PROBLEM}insufficient-funds` }),
    ]);
    await database.db
      .updateTable('accounts')
      .set({ balance: 1_000_000n })
      .where('id', '=', ORDER.from)
      .execute();
    const again = await pay(tooMuch);
    expect([again.status, again.text, again.headers['idempotency-replayed']]).toEqual([
      422,
      first.text,
      'true',
    ]);
  });

  it('refuses a key that belongs to another payment, and keeps keys of different users apart', async () => {
    await pay();
    const other = await pay({ ...ORDER, amount: '12.51' });
    expect([other.status, JSON.parse(other.text)]).toEqual([
      422,
      expect.objectContaining({ type: `${PROBLEM}idempotency-key-reused` }),
    ]);
    const bobs = await pay(
      { ...ORDER, from: 'acc_b1_everyday', to: 'acc_a1_everyday' },
      { token: tokenOf(bob) },
    );
    expect(bobs.status).toBe(201);
  });

  it('books one of many parallel requests with one key; the others are told to wait or get its answer', async () => {
    const responses = await Promise.all(Array.from({ length: 20 }, () => pay()));
    const fresh = responses.filter(
      (response) => response.status === 201 && !response.headers['idempotency-replayed'],
    );
    expect(fresh).toHaveLength(1);
    expect(responses.every(({ status }) => status === 201 || status === 409)).toBe(true);
    expect(await balanceOf('acc_a1_everyday')).toBe(411_435);
    expect((await pay()).status).toBe(201);
  });

  it('never overdraws under 100 parallel payments', async () => {
    const responses = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        pay({ ...ORDER, amount: '100.00' }, { key: `parallel-${index}` }),
      ),
    );
    expect(responses.filter(({ status }) => status === 201)).toHaveLength(41);
    expect(responses.filter(({ status }) => status === 422)).toHaveLength(59);
    expect(await balanceOf('acc_a1_everyday')).toBe(2_685);
    expect(await balanceOf('acc_b1_everyday')).toBe(96_340 + 410_000);
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
    const response = await pay(order);
    expect([response.status, response.type]).toEqual([422, 'application/problem+json']);
    expect(JSON.parse(response.text)).toMatchObject({ type: PROBLEM + type, status: 422 });
    expect(await balanceOf('acc_a1_everyday')).toBe(412_685);
  });

  it("answers somebody else's account exactly like one that does not exist", async () => {
    const [foreign, unknown] = await Promise.all([
      pay({ ...ORDER, from: 'acc_d1_everyday' }, { key: 'a' }),
      pay({ ...ORDER, from: 'acc_none' }, { key: 'b' }),
    ]);
    expect(foreign.text).toBe(unknown.text);
  });

  it.each([
    ['an amount that is a number', { ...ORDER, amount: 12.5 }],
    ['an amount with the wrong places', { ...ORDER, amount: '12.5' }],
    ['a missing member', { ...ORDER, to: undefined }],
    ['a list', [ORDER]],
  ])('answers 400 to a malformed body: %s', async (_what, order) => {
    const response = await pay(order);
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
    const response = await request(app)
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
      const anonymous = await request(app).post('/payments').set('Content-Type', type).send(body);
      expect(anonymous.status).toBe(401);
    }
    const known = await request(app)
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
    expect((await pay(ORDER, { token })).status).toBe(201);
    sts.onIntrospection(() => ({ status: 200, body: { active: false } }));
    const response = await pay(ORDER, { token, key: 'key-2' });
    expect(response.status).toBe(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(await balanceOf('acc_a1_everyday')).toBe(411_435);
    expect((await get('/accounts', token)).status).toBe(200);
  });

  it('answers 503 and books nothing while the STS does not answer', async () => {
    const token = tokenOf(alice);
    expect((await get('/accounts', token)).status).toBe(200);
    sts.failWith('cut');
    const response = await pay(ORDER, { token });
    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toMatch(/^\d+$/);
    expect(await balanceOf('acc_a1_everyday')).toBe(412_685);
  });
});

describe('GET /payments', () => {
  it('pages through the own payments, newest first', async () => {
    const first = await get('/payments?limit=5', tokenOf(alice));
    const { payments, next } = first.body as { payments: { bookedAt: string }[]; next: string };
    expect(payments).toHaveLength(5);
    const rest = await get(`/payments?limit=5&cursor=${next}`, tokenOf(alice));
    expect(rest.body).toMatchObject({ payments: { length: 3 }, next: null });
    expect((await get('/payments', tokenOf(dave))).body).toEqual({ payments: [], next: null });
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'cursor=nonsense', 'limit=1&limit=2'])(
    'answers 400 to %s',
    async (query) => {
      expect((await get(`/payments?${query}`, tokenOf(alice))).status).toBe(400);
    },
  );
});

describe('GET /insights', () => {
  it("reports on the user's own payments of the last 90 days", async () => {
    const response = await get('/insights', premium());
    expect(response.body).toMatchObject({
      subscription: { status: 'active' },
      totals: [{ currency: 'EUR', payments: 5, spent: '249.80', movedBetweenOwnAccounts: '1200.00' }],
    });
  });

  it.each([
    ['without a subscription', { subscription: undefined }],
    ['with a lapsed one', { subscription: { plan: 'premium', status: 'lapsed' } }],
    ['with one that is only text', { subscription: 'active' }],
  ])('refuses a token %s', async (_what, changes) => {
    const response = await get('/insights', premium(changes));
    expect([response.status, JSON.parse(response.text)]).toEqual([
      403,
      expect.objectContaining({ type: `${PROBLEM}claim-required` }),
    ]);
  });
});

describe('GET /chain', () => {
  it('exchanges its token for one of the subscription service and tells what each saw (RFC 8693 §2.1)', async () => {
    const token = tokenOf(alice);
    const response = await get('/chain', token);
    expect(response.body).toMatchObject({
      hops: [
        { service: 'api2', sub: alice, aud: RESOURCE, act: { sub: 'api1.client' } },
        {
          service: 'subscriptions',
          sub: alice,
          aud: SUBSCRIPTIONS,
          scope: 'subscriptions.read',
          act: { sub: 'api2.client', act: { sub: 'api1.client' } },
        },
      ],
      subscription: { sub: alice, plan: 'premium' },
    });
    expect(response.text).not.toContain('eyJ');
  });

  it('has no subscription for a user without a record', async () => {
    const usual = answerSubscriptions;
    answerSubscriptions = (req, res) =>
      req.url === '/identity' ? usual(req, res) : void res.writeHead(404).end();
    expect((await get('/chain', tokenOf(alice))).body).toMatchObject({ subscription: null });
  });

  it.each([
    ['fails', (_: unknown, res: { destroy: () => void }) => res.destroy(), 503],
    ['does not answer in time', () => undefined, 503],
  ])('answers 503 when the subscription service %s', async (_what, listener, status) => {
    answerSubscriptions = listener as RequestListener;
    const response = await get('/chain', tokenOf(alice));
    expect([response.status, response.headers['retry-after']]).toEqual([status, '5']);
  });

  it.each([
    ['500', (res: Parameters<RequestListener>[1]) => res.writeHead(500).end()],
    [
      'nonsense',
      (res: Parameters<RequestListener>[1]) => res.setHeader('content-type', 'application/json').end('[1'),
    ],
    [
      'a redirect',
      (res: Parameters<RequestListener>[1]) => res.writeHead(302, { location: 'http://evil.example' }).end(),
    ],
  ])('answers 502 when the subscription service answers %s', async (_what, answer) => {
    answerSubscriptions = (_req, res) => void answer(res);
    expect((await get('/chain', tokenOf(alice))).status).toBe(502);
  });

  it.each([
    ['subject_token', 401, 'error="invalid_token"'],
    ['policy', 403, 'error="insufficient_scope"'],
  ])('passes a refusal for the reason %s on as %d', async (reason, status, challenge) => {
    sts.onToken(() => ({ status: 400, body: { error: 'invalid_request', reason } }));
    const response = await get('/chain', tokenOf(alice));
    expect(response.status).toBe(status);
    expect(response.headers['www-authenticate']).toContain(challenge);
    expect(JSON.parse(response.text)).toMatchObject({ reason });
  });
});

describe('who may call', () => {
  const bad = badTokens(issuer, { audience: RESOURCE }).filter(({ token }) => token.length < 16 * 1024);
  it.each(bad)('refuses $name ($section) on every route', async ({ token }) => {
    for (const path of ['/identity', '/accounts', '/payments', '/payments/pay_x', '/insights', '/chain']) {
      const response = await get(path, token);
      expect([path, response.status, response.type]).toEqual([path, 401, 'application/problem+json']);
      expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
      expect(response.headers['www-authenticate']).toContain(`resource_metadata="${METADATA}"`);
    }
    expect((await pay(ORDER, { token })).status).toBe(401);
    expect(log.text()).not.toContain(token);
  });

  it.each(['/identity', '/accounts', '/payments', '/insights', '/chain'])(
    'wants a token at %s, without an error code when there was none (RFC 6750 §3.1)',
    async (path) => {
      const response = await request(app).get(path);
      expect([response.status, response.headers['www-authenticate']]).toEqual([
        401,
        `Bearer resource_metadata="${METADATA}"`,
      ]);
    },
  );

  const wrongActors: [string, Record<string, unknown>][] = [
    ['nobody acts', { act: undefined }],
    ['another client acts', { act: { sub: 'api2.client' } }],
    [
      'API1 acted only earlier (RFC 8693 §4.1)',
      { act: { sub: 'other.client', act: { sub: 'api1.client' } } },
    ],
  ];
  it.each(wrongActors)('refuses a token in which %s', async (_what, changes) => {
    const responses = [
      ...(await Promise.all(
        ['/accounts', '/payments', '/chain'].map((path) => get(path, tokenOf(alice, changes))),
      )),
      await get('/insights', premium(changes)),
      await pay(ORDER, { token: tokenOf(alice, changes) }),
    ];
    for (const response of responses) {
      expect(response.status).toBe(403);
      expect(response.headers['www-authenticate']).toContain('error="insufficient_scope"');
      expect(JSON.parse(response.text)).toMatchObject({ type: `${PROBLEM}wrong-actor` });
    }
  });

  it.each([
    ['/accounts', 'api2.premium', 'api2'],
    ['/payments', 'api2.premium', 'api2'],
    ['/chain', 'api2.premium', 'api2'],
    ['/insights', 'api2', 'api2.premium'],
  ])('refuses at %s a token with the scope %s, and names the one it wants', async (path, scope, wanted) => {
    const response = await get(path, premium({ scope }));
    expect(response.status).toBe(403);
    expect(response.headers['www-authenticate']).toContain(`scope="${wanted}"`);
  });
});

describe('the service', () => {
  it('tells who calls, as it sees it', async () => {
    expect((await get('/identity', tokenOf(alice))).body).toMatchObject({
      sub: alice,
      client_id: 'api1.client',
      scope: 'api2',
      act: { sub: 'api1.client' },
      aud: RESOURCE,
      iat: NOW,
      exp: NOW + 300,
    });
  });

  it('drops what hangs from a session when the STS says that it has ended', async () => {
    const token = tokenOf(alice);
    await get('/chain', token);
    await get('/chain', token);
    const exchanges = () => sts.requests.filter((path) => path === '/connect/token').length;
    const before = exchanges();
    const logout = issuer.mintLogoutToken('api2.client');
    const response = await request(app)
      .post('/backchannel-logout')
      .type('form')
      .send({ logout_token: logout });
    expect(response.status).toBe(200);
    await get('/chain', token);
    expect(exchanges()).toBeGreaterThan(before);
    const forged = issuer.mintLogoutToken('another.client');
    expect(
      (await request(app).post('/backchannel-logout').type('form').send({ logout_token: forged })).status,
    ).toBe(400);
  });

  it('answers 404 for an unknown path, with or without a token, and 405 for another method', async () => {
    expect((await request(app).get('/nowhere')).status).toBe(404);
    expect((await get('/nowhere', tokenOf(alice))).status).toBe(404);
    expect((await request(app).put('/payments')).headers['allow']).toBe('GET, POST, HEAD, OPTIONS');
  });

  it('answers 503 while its database does not answer, and is not ready then', async () => {
    const gone = await database.reopen();
    app = createTestApp(gone);
    await gone.close();
    expect((await request(app).get('/health/ready')).status).toBe(503);
  });

  it('publishes its metadata (RFC 9728 §3)', async () => {
    const response = await request(app).get('/.well-known/oauth-protected-resource');
    expect(response.body).toMatchObject({ resource: RESOURCE, scopes_supported: ['api2', 'api2.premium'] });
  });

  it('never writes a token, a secret or an Idempotency-Key into its log', async () => {
    const token = tokenOf(alice);
    await pay(ORDER, { token, key: 'a-key-of-the-users-own' });
    await get('/chain', token);
    sts.failWith({ status: 500, body: { error: 'server_error', error_description: token } });
    await pay(ORDER, { token, key: 'another' });
    answerSubscriptions = (_req, res) => void res.writeHead(500).end(token);
    await get('/chain', token);
    expect(log.text()).toContain('/chain');
    expect(log.text()).not.toContain('eyJ');
    expect(log.text()).not.toContain(SECRET);
    expect(log.text()).not.toContain('a-key-of-the-users-own');
  });
});
