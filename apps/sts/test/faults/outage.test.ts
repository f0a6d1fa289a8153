import { newTestServerDatabase, startTestServer, type TestServer } from '@behalf/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Replicas, startReplicas } from '../support/replicas.ts';
import { accessTokenOf, type Answer, delegate, isActive, send } from '../support/requests.ts';
import { authorizeUrl, basic, newVerifier, refresh, signIn } from '../support/sign-in.ts';
import { API1, REDIRECT_URI } from '../support/sts.ts';

const RECOVERY = { timeout: 20_000, interval: 50 };

let server: TestServer;

let replicas: Replicas;

let at: string;

beforeAll(async () => {
  server = await startTestServer();
  replicas = await startReplicas({ engine: 'postgres', count: 1, server: server.url });
  at = replicas.running[0]?.url ?? '';
}, 60_000);

afterAll(async () => {
  await replicas.close();
  await server.stop();
});

/** 503 in JSON with `Retry-After` (RFC 9110 §10.2.3), and nothing of what broke. */
function expectClean({ status, retryAfter, contentType, body }: Answer): void {
  expect([status, body]).toEqual([503, body]);
  expect(retryAfter).toMatch(/^\d+$/);
  expect(contentType).toMatch(/^application\/(problem\+)?json/);
  expect(JSON.stringify(body)).not.toMatch(/ECONN|postgres|terminat|127\.0\.0\.1/i);
}

/** One request to each address that needs the database. */
function requestsOf(at: string, login: { accessToken: string; refreshToken: string }, account: string) {
  const token = { client_id: 'web.client', resource: API1 };
  const { accessToken, refreshToken } = login;
  return {
    exchange: () => delegate(at, accessToken),
    refresh: () =>
      send(`${at}/connect/token`, {
        form: { ...token, grant_type: 'refresh_token', refresh_token: refreshToken },
      }),
    code: () =>
      send(`${at}/connect/token`, {
        form: {
          ...token,
          grant_type: 'authorization_code',
          code: 'a-code',
          code_verifier: newVerifier(),
          redirect_uri: REDIRECT_URI,
        },
      }),
    introspection: () =>
      send(`${at}/connect/introspect`, { form: { token: accessToken }, headers: basic('api1.client') }),
    revocation: () =>
      send(`${at}/connect/revocation`, { form: { client_id: 'web.client', token: accessToken } }),
    userinfo: () => send(`${at}/connect/userinfo`, { headers: { authorization: 'Bearer opaque' } }),
    sessions: () => send(`${at}/account/sessions`, { headers: { authorization: `Bearer ${account}` } }),
    delegations: () => send(`${at}/account/delegations`, { headers: { authorization: `Bearer ${account}` } }),
  };
}

test('a database that stops under load is 503 everywhere, and all goes on when it is back', async () => {
  const login = await signIn(replicas.issuer);
  const renewed = await signIn(replicas.issuer);
  const account = await signIn(replicas.issuer, { scope: 'openid account', resource: [replicas.issuer] });
  const acknowledged = [login.accessToken, accessTokenOf(await delegate(at, login.accessToken))];

  const answers: Answer[] = [];
  const load = new AbortController();
  const work = async () => {
    while (!load.signal.aborted) answers.push(await delegate(at, login.accessToken));
  };
  const workers = Array.from({ length: 6 }, work);
  await expect.poll(() => answers.length, RECOVERY).toBeGreaterThan(20);
  await server.halt();
  await expect
    .poll(() => answers.filter(({ status }) => status === 503).length, RECOVERY)
    .toBeGreaterThan(20);

  for (const [name, request] of Object.entries(requestsOf(at, login, account.accessToken))) {
    expect([name, (await request()).status]).toEqual([name, 503]);
    expectClean(await request());
  }
  const page = await send(authorizeUrl(at, newVerifier()), { headers: { accept: 'text/html' } });
  expect([page.status, page.contentType]).toEqual([503, 'text/html; charset=utf-8']);
  expect(page.retryAfter).toMatch(/^\d+$/);
  expect((await send(`${at}/health/live`)).status).toBe(200);
  expect((await send(`${at}/health/ready`)).status).toBe(503);

  await server.resume();
  await expect.poll(async () => (await send(`${at}/health/ready`)).status, RECOVERY).toBe(200);
  const before = answers.length;
  await expect.poll(() => answers.length, RECOVERY).toBeGreaterThan(before + 20);
  load.abort();
  await Promise.all(workers);

  const refused = answers.filter(({ status }) => status !== 200);
  for (const answer of refused) expectClean(answer);
  for (const { status, body } of answers) if (status === 200) acknowledged.push(String(body['access_token']));
  expect(new Set(await Promise.all(acknowledged.map((token) => isActive(at, token))))).toEqual(
    new Set([true]),
  );
  expect((await refresh(at, renewed.refreshToken)).status).toBe(200);
}, 120_000);

test('an exhausted connection pool is 503 for whom it has no connection, and passes', async () => {
  const { accessToken } = await signIn(replicas.issuer);
  const { database } = await replicas.openOperator();
  const locked = Promise.withResolvers<void>();
  const enough = Promise.withResolvers<void>();
  const holding = database.db.transaction().execute(async (transaction) => {
    await sql`lock table ledger in access exclusive mode`.execute(transaction);
    locked.resolve();
    await enough.promise;
  });
  await locked.promise;
  const waiting = Array.from({ length: 40 }, () => delegate(at, accessToken));
  const first = await Promise.race(waiting);
  expectClean(first);
  expect((await send(`${at}/health/live`)).status).toBe(200);
  enough.resolve();
  await holding;
  const answers = await Promise.all(waiting);
  for (const answer of answers) if (answer.status !== 200) expectClean(answer);
  expect((await delegate(at, accessToken)).status).toBe(200);
}, 120_000);

test('a server that has no connection left (SQLSTATE 53300) is 503 for whom it has none, and passes', async () => {
  const database = await newTestServerDatabase(server.url);
  const role = `${database.name}_service`;
  // A superuser would get a connection all the same.
  await database.administer(`create role ${role} login`);
  await database.administer(`alter database ${database.name} owner to ${role}`);
  const url = new URL(database.url);
  url.username = role;
  const limited = await startReplicas({ engine: 'postgres', count: 1, databaseUrl: url.href });
  const one = limited.running[0]?.url ?? '';
  const leave = async (connections: number) => {
    await database.administer(`alter role ${role} connection limit ${connections}`);
    await database.administer(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`,
    );
  };
  const login = await signIn(limited.issuer);
  const account = await signIn(limited.issuer, { scope: 'openid account', resource: [limited.issuer] });

  await leave(0);
  for (const [name, request] of Object.entries(requestsOf(one, login, account.accessToken))) {
    const answer = await request();
    expect([name, answer.status]).toEqual([name, 503]);
    expectClean(answer);
  }
  expect((await send(`${one}/health/live`)).status).toBe(200);
  expect((await send(`${one}/health/ready`)).status).toBe(503);
  expect(limited.running[0]?.output.join('\n')).toContain('53300');

  await leave(1);
  await expect.poll(async () => (await send(`${one}/health/ready`)).status, RECOVERY).toBe(200);
  const crowd = await Promise.all(Array.from({ length: 40 }, () => delegate(one, login.accessToken)));
  const refused = crowd.filter(({ status }) => status !== 200);
  expect(refused).not.toEqual([]);
  for (const answer of refused) expectClean(answer);

  await leave(-1);
  await expect.poll(async () => (await delegate(one, login.accessToken)).status, RECOVERY).toBe(200);
  const all = await Promise.all(Array.from({ length: 40 }, () => delegate(one, login.accessToken)));
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
  await limited.close();
  await database.remove();
}, 120_000);
