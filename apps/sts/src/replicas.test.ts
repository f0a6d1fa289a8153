import { newTestServerDatabase } from '@behalf/database/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeProtectedHeader } from 'jose';
import { Browser } from './testing/browser.ts';
import { assertionForm, clientAssertion } from './testing/client-assertion.ts';
import { authorize, basic, post, redeem, refresh, signIn } from './testing/sign-in.ts';
import { startTestSts, type TestSts } from './testing/sts.ts';

let database: Awaited<ReturnType<typeof newTestServerDatabase>>;
let one: TestSts;
let other: TestSts;
beforeAll(async () => {
  database = await newTestServerDatabase();
  one = await startTestSts({ environment: { STS_DATABASE_URL: database.url } });
  other = await startTestSts({ replicaOf: one });
});
afterAll(async () => {
  await other.close();
  await one.close();
  await database.remove();
});

/** A proxy that goes round, with no stickiness. */
function roundRobin(): () => string {
  let turn = 0;
  return () => ((turn += 1) % 2 === 0 ? one.address : other.address);
}

const delegateAt = (sts: TestSts, token: string) =>
  post(
    `${sts.address}/connect/token`,
    { grant_type: 'delegation', scope: 'api2', token },
    basic('api1.client'),
  );

const introspectAt = (sts: TestSts, token: string) =>
  post(`${sts.address}/connect/introspect`, { token }, basic('api2.client'));

describe('two replicas on one PostgreSQL', () => {
  test('share a sign-in whose every request goes to the other one', async () => {
    const browser = new Browser(one.issuer, roundRobin());
    const authorization = await authorize(one.issuer, { browser });
    expect((await redeem(other.address, authorization)).status).toBe(200);
  });

  test('redeem a code once between them, and its tokens are dead after the replay', async () => {
    const authorization = await authorize(one.issuer);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, turn) => redeem((turn % 2 === 0 ? one : other).address, authorization)),
    );
    const [won, ...more] = answers.filter(({ status }) => status === 200);
    expect(more).toEqual([]);
    const refreshed = await refresh(other.address, won?.body['refresh_token']);
    expect(refreshed.body['error']).toBe('invalid_grant');
  });

  test('take a refresh token once between them', async () => {
    const { refreshToken } = await signIn(one.issuer);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, turn) => refresh((turn % 2 === 0 ? one : other).address, refreshToken)),
    );
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
  });

  test('take a client assertion once between them (RFC 7523 §3)', async () => {
    const form = assertionForm(await clientAssertion(one));
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, turn) =>
        post(`${(turn % 2 === 0 ? one : other).address}/connect/token`, form),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test('see a logout at once: no exchange, no refresh, nothing active that hangs from the session', async () => {
    const { accessToken, refreshToken, browser, idToken } = await signIn(one.issuer);
    const delegated = String((await delegateAt(other, accessToken)).body['access_token']);
    expect((await introspectAt(other, delegated)).body['active']).toBe(true);
    const question = await browser.open(`${one.issuer}/connect/endsession?id_token_hint=${idToken}`);
    await browser.submit(question, { logout: 'yes' });
    expect((await delegateAt(other, accessToken)).body['reason']).toBe('subject_token');
    expect((await refresh(other.address, refreshToken)).body['error']).toBe('invalid_grant');
    expect((await introspectAt(other, delegated)).body).toEqual({ active: false });
  });

  test('count failed sign-ins together', async () => {
    const browser = new Browser(one.issuer, roundRobin());
    const page = await browser.open(
      `${one.issuer}/connect/authorize?${new URLSearchParams({
        client_id: 'web.client',
        response_type: 'code',
        redirect_uri: 'http://localhost:5173/callback',
        scope: 'openid',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      }).toString()}`,
    );
    const statuses: number[] = [];
    for (let guess = 0; guess < 11; guess += 1) {
      statuses.push((await browser.submit(page, { username: 'bob', password: 'wrong' })).status);
    }
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
  });

  test('sign with the key that one of them rotated to', async () => {
    await one.state.keys.rotateNow();
    await vi.waitFor(async () => {
      const answer = await post(
        `${other.address}/connect/token`,
        { grant_type: 'client_credentials', scope: 'api1' },
        basic('machine.client'),
      );
      const { kid } = decodeProtectedHeader(String(answer.body['access_token']));
      expect(kid).toBe(one.state.keys.current().activeKid);
    });
  });
});
