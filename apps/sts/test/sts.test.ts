import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from './support/browser.ts';
import { authorizeUrl, basic, newVerifier, post, signIn } from './support/sign-in.ts';
import { startTestSts, type TestSts } from './support/sts.ts';

const clientToken = (sts: TestSts) =>
  post(
    `${sts.issuer}/connect/token`,
    { grant_type: 'client_credentials', scope: 'api1' },
    basic('machine.client'),
  );

const introspect = (sts: TestSts, token: string) =>
  post(`${sts.issuer}/connect/introspect`, { token }, basic('api1.client'));

const published = async (sts: TestSts) => {
  const response = await fetch(`${sts.issuer}/.well-known/openid-configuration/jwks`);
  return ((await response.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
};

describe('signing keys', () => {
  let sts: TestSts;
  beforeAll(async () => {
    sts = await startTestSts();
  });
  afterAll(() => sts.close());

  test('a new key is published before it signs, takes over, and old tokens stay good', async () => {
    const before = String((await clientToken(sts)).body['access_token']);
    const { kid } = decodeProtectedHeader(before);
    await sts.state.keys.rotate();
    await expect.poll(() => published(sts)).toHaveLength(2);
    expect(decodeProtectedHeader(String((await clientToken(sts)).body['access_token'])).kid).toBe(kid);
    sts.clock.skewSeconds = 120;
    await expect
      .poll(async () => decodeProtectedHeader(String((await clientToken(sts)).body['access_token'])).kid)
      .not.toBe(kid);
    expect((await introspect(sts, before)).body['active']).toBe(true);
  });

  test('after an emergency rotation the old key is refused at once', async () => {
    const before = String((await clientToken(sts)).body['access_token']);
    await sts.state.keys.rotateNow();
    await expect.poll(async () => (await introspect(sts, before)).body).toEqual({ active: false });
    const after = String((await clientToken(sts)).body['access_token']);
    expect((await introspect(sts, after)).body['active']).toBe(true);
    expect(await published(sts)).toEqual([decodeProtectedHeader(after).kid]);
  });
});

describe('back-channel logout', () => {
  test('tells each API client of the session, after it has ended, with a logout token', async () => {
    const received: string[] = [];
    const receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        received.push(new URLSearchParams(body).get('logout_token') ?? '');
        response.writeHead(200).end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const { port } = receiver.address() as AddressInfo;
    const sts = await startTestSts({ environment: { API1_URL: `http://127.0.0.1:${port}` } });
    try {
      const { accessToken, browser, idToken } = await signIn(sts.issuer);
      const { sid, sub } = decodeJwt(accessToken);
      const question = await browser.open(`${sts.issuer}/connect/endsession?id_token_hint=${idToken}`);
      await browser.submit(question, { logout: 'yes' });
      await expect.poll(() => received).toHaveLength(1);
      const [logoutToken = ''] = received;
      expect(decodeProtectedHeader(logoutToken)['typ']).toBe('logout+jwt');
      expect(decodeJwt(logoutToken)).toMatchObject({ iss: sts.issuer, aud: 'api1.client', sid, sub });
      expect((await introspect(sts, accessToken)).body).toEqual({ active: false });
    } finally {
      await sts.close();
      receiver.close();
    }
  });
});

describe('when the database cannot be written', () => {
  let sts: TestSts;
  let blocker: DatabaseSync;
  beforeAll(async () => {
    sts = await startTestSts();
    blocker = new DatabaseSync(sts.config.databaseFile);
    blocker.exec('begin immediate');
  });
  afterAll(async () => {
    blocker.close();
    await sts.close();
  });

  test('no token is handed out that is not recorded: 503 with Retry-After', async () => {
    const answer = await clientToken(sts);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toEqual({ error: 'temporarily_unavailable', error_description: expect.any(String) });
    expect(sts.log.join('')).toContain('the authorization server failed to answer');
  });

  test('people get a page that says so, and no detail', async () => {
    const page = await new Browser(sts.issuer).open(authorizeUrl(sts.issuer, newVerifier()));
    expect(page.status).toBe(503);
    expect(page.headers.get('retry-after')).toBe('5');
    expect(page.body).toContain('Something went wrong');
    expect(page.body).not.toMatch(/sqlite|locked|\.ts/i);
  });

  test('afterwards it goes on without a restart', async () => {
    blocker.exec('rollback');
    expect((await clientToken(sts)).status).toBe(200);
  });
});
