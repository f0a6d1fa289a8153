import { createAccessTokenVerifier } from '@behalf/auth';
import { badTokens, createTestIssuer, type TestIssuerServer } from '@behalf/auth/testing';
import type { Database } from '@behalf/database';
import { openTestDatabase, type TestDatabase } from '@behalf/database/testing';
import { type CapturedLog, captureLog } from '@behalf/service/testing';
import type { Express } from 'express';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../src/app.ts';
import { addDemoData, DEMONSTRATION_USERS, migrations, type SubscriptionTables } from '../src/storage.ts';

const NOW = 1_800_000_000;

const RESOURCE = 'http://localhost:4003';

const METADATA = `${RESOURCE}/.well-known/oauth-protected-resource`;

const { alice, bob, carol } = DEMONSTRATION_USERS;

const issuer = createTestIssuer({ issuer: 'https://sts.example', audience: RESOURCE, now: () => NOW });

let sts: TestIssuerServer;

let database: TestDatabase<SubscriptionTables>;

let app: Express;

let log: CapturedLog;

beforeAll(async () => {
  sts = await issuer.listen();
});

afterAll(() => sts.close());

beforeEach(async () => {
  database = await openTestDatabase<SubscriptionTables>('sqlite', { migrations });
  await addDemoData(database.db, NOW);
  log = captureLog('subscriptions');
  app = createTestApp();
});

afterEach(async () => {
  sts.failWith(undefined);
  await database.close();
});

function createTestApp(on: Database<SubscriptionTables> = database): Express {
  return createApp({
    dpop: false,
    logger: log.logger,
    verifier: createAccessTokenVerifier({
      issuer: issuer.issuer,
      address: sts.address,
      audience: RESOURCE,
      now: () => NOW,
    }),
    database: on,
    now: () => NOW,
  });
}

const ofUser = (sub: string, changes: Record<string, unknown> = {}) =>
  issuer.mint({
    sub,
    client_id: 'api2.client',
    scope: 'subscriptions.read',
    act: { sub: 'api2.client', act: { sub: 'api1.client' } },
    ...changes,
  });

const ofTheSts = (changes: Record<string, unknown> = {}) =>
  ofUser('userSubscriptionClient', {
    client_id: 'userSubscriptionClient',
    act: undefined,
    sid: undefined,
    ...changes,
  });

const get = (path: string, token: string) => request(app).get(path).set('Authorization', `Bearer ${token}`);

describe('GET /users/{sub}', () => {
  it("answers a user's own record", async () => {
    const response = await get(`/users/${alice}`, ofUser(alice));
    expect(response.status).toBe(200);
    expect(response.body).toEqual({ sub: alice, plan: 'premium', status: 'active', renewsAt: '2027-02-14' });
    expect(response.headers['cache-control']).toBe('no-store');
  });

  it("answers anybody's record to the client that the STS itself is", async () => {
    expect((await get(`/users/${alice}`, ofTheSts())).body).toMatchObject({ status: 'active' });
    expect((await get(`/users/${bob}`, ofTheSts())).body).toMatchObject({ status: 'lapsed' });
  });

  it('answers 404 for a user without a record', async () => {
    const response = await get(`/users/${carol}`, ofTheSts());
    expect([response.status, response.type]).toEqual([404, 'application/problem+json']);
  });

  it('takes a plan past its renewal date as lapsed', async () => {
    await database.db
      .updateTable('subscriptions')
      .set({ renews_at: NOW })
      .where('subject', '=', alice)
      .execute();
    expect((await get(`/users/${alice}`, ofUser(alice))).body).toMatchObject({ status: 'lapsed' });
  });

  it.each([
    ["another user's token", () => ofUser(bob)],
    [
      'the token of another client without a user',
      () => ofTheSts({ sub: 'machine.client', client_id: 'machine.client' }),
    ],
    ["a user's token that only names the STS's client as its client", () => ofTheSts({ sub: bob })],
    [
      "a token in which another client acts for the STS's client",
      () => ofTheSts({ act: { sub: 'api2.client' } }),
    ],
  ])("refuses to show a user's record to %s", async (_what, mint) => {
    const response = await get(`/users/${alice}`, mint());
    expect(response.status).toBe(403);
    expect(JSON.parse(response.text)).toMatchObject({
      type: 'https://behalf.example/problems/not-your-subscription',
    });
    expect(response.headers['www-authenticate']).toContain('error="insufficient_scope"');
  });

  it('refuses a token without the scope, and says which it is (RFC 6750 §3.1)', async () => {
    const response = await get(`/users/${alice}`, ofUser(alice, { scope: 'api2' }));
    expect(response.status).toBe(403);
    expect(response.headers['www-authenticate']).toContain('scope="subscriptions.read"');
  });
});

describe('GET /identity', () => {
  it('tells the claims that it saw, and never the token', async () => {
    const token = ofUser(alice);
    const response = await get('/identity', token);
    expect(response.body).toMatchObject({
      sub: alice,
      aud: RESOURCE,
      client_id: 'api2.client',
      act: { sub: 'api2.client', act: { sub: 'api1.client' } },
    });
    expect(response.text).not.toContain(token.split('.')[2]);
  });
});

describe('every protected route', () => {
  // Node itself answers 431 to a header past 16 KiB.
  const bad = badTokens(issuer, { audience: RESOURCE }).filter(({ token }) => token.length < 16 * 1024);
  it.each(bad)('refuses $name ($section)', async ({ token }) => {
    for (const path of [`/users/${alice}`, '/identity']) {
      const response = await get(path, token);
      expect([response.status, response.type]).toEqual([401, 'application/problem+json']);
      expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
      expect(response.headers['www-authenticate']).toContain(`resource_metadata="${METADATA}"`);
    }
    expect(log.text()).not.toContain(token);
  });

  it('wants a token, without an error code when there was none (RFC 6750 §3.1)', async () => {
    const response = await request(app).get(`/users/${alice}`);
    expect([response.status, response.headers['www-authenticate']]).toEqual([
      401,
      `Bearer resource_metadata="${METADATA}"`,
    ]);
  });

  it('answers 503 while the keys of the STS cannot be had, and heals without a restart', async () => {
    sts.failWith('cut');
    const token = ofUser(alice);
    const response = await get(`/users/${alice}`, token);
    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toMatch(/^\d+$/);
    sts.failWith(undefined);
    app = createTestApp();
    expect((await get(`/users/${alice}`, token)).status).toBe(200);
  });
});

describe('the service', () => {
  it('publishes its metadata to anyone (RFC 9728 §3)', async () => {
    const response = await request(app).get('/.well-known/oauth-protected-resource');
    expect(response.body).toMatchObject({
      resource: RESOURCE,
      authorization_servers: ['https://sts.example'],
      scopes_supported: ['subscriptions.read'],
    });
  });

  it('stores no answer anywhere, and lets no page of any origin read one', async () => {
    for (const path of ['/identity', `/users/${alice}`, `/users/${bob}`, '/nowhere'])
      for (const send of [request(app).get(path), get(path, ofUser(alice)), get(path, 'x')]) {
        const { headers } = await send.set('Origin', 'http://localhost:5173');
        expect([path, headers['cache-control']]).toEqual([path, 'no-store']);
        expect(headers['access-control-allow-origin']).toBeUndefined();
      }
  });

  it('takes a subject as one segment of the path, whatever is in it', async () => {
    const token = ofUser('..%2f');
    expect((await get('/users/..%252f', token)).status).toBe(404);
    expect((await get('/users/%27%20or%201=1--', ofUser(alice))).status).toBe(403);
  });

  it('answers 404 for an unknown path, with or without a token', async () => {
    expect((await request(app).get('/nowhere')).status).toBe(404);
    expect((await get('/nowhere', ofUser(alice))).status).toBe(404);
  });

  it.each(['/Identity', '/identity/', `/users/${alice}/`, `/USERS/${alice}`])(
    'has one spelling of each path: %s is 404',
    async (path) => {
      expect((await request(app).get(path)).status).toBe(404);
    },
  );

  it('answers 405 for another method', async () => {
    const response = await request(app).delete(`/users/${alice}`);
    expect([response.status, response.headers['allow']]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });

  it('is ready while its database answers, and answers 503 while it does not', async () => {
    expect((await request(app).get('/health/ready')).status).toBe(200);
    const gone = await database.reopen();
    await gone.close();
    app = createTestApp(gone);
    expect((await request(app).get('/health/ready')).status).toBe(503);
    expect((await request(app).get('/health/live')).status).toBe(200);
  });

  it('never writes a token into its log', async () => {
    const token = ofUser(alice);
    await get(`/users/${alice}?access_token=${token}`, token);
    await get(`/users/${bob}`, token);
    expect(log.text()).toContain('"path"');
    expect(log.text()).not.toContain(token.slice(0, 24));
  });
});
