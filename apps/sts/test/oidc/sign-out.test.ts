import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, type BrowserPage, formOf } from '../support/browser.ts';
import {
  authorize,
  authorizeUrl,
  basic,
  newVerifier,
  post,
  redeem,
  refresh,
  signIn,
} from '../support/sign-in.ts';
import { REDIRECT_URI, startTestSts, type TestSts } from '../support/sts.ts';

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

const HOME = 'http://localhost:5173/';

const endSession = (parameters: Record<string, string>) =>
  `${sts.issuer}/connect/endsession?${new URLSearchParams(parameters).toString()}`;

const isActive = async (token: string) => {
  const { body } = await post(`${sts.issuer}/connect/introspect`, { token }, basic('api1.client'));
  return body['active'];
};

/** Whether the browser's session is there: no page is shown. */
const isSignedIn = async (browser: Browser) => {
  const { url } = await browser.open(
    authorizeUrl(sts.issuer, newVerifier(), { parameters: { prompt: 'none' } }),
  );
  return new URL(url).searchParams.has('code');
};

const asks = (page: BrowserPage) => page.body.includes('Sign out?');

describe('signing out (OpenID Connect RP-Initiated Logout 1.0)', () => {
  test('asks, ends the session with all its tokens, and goes back to the client', async () => {
    const { browser, idToken, refreshToken, accessToken } = await signIn(sts.issuer);
    const question = await browser.open(
      endSession({ id_token_hint: idToken, post_logout_redirect_uri: HOME, state: 'bye' }),
    );
    expect(asks(question)).toBe(true);
    expect(question.headers.get('content-security-policy')).toContain(
      "form-action 'self' http://localhost:5173;",
    );
    const done = await browser.submit(question, { logout: 'yes' });
    expect(done.url).toBe(`${HOME}?state=bye`);
    expect((await refresh(sts.issuer, refreshToken)).body['error']).toBe('invalid_grant');
    const exchange = await post(
      `${sts.issuer}/connect/token`,
      { grant_type: 'delegation', scope: 'api2', token: accessToken },
      basic('api1.client'),
    );
    expect(exchange).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', reason: 'subject_token' },
    });
    expect(browser.cookies.map(({ name }) => name)).not.toContain('behalf.session');
    expect(await isSignedIn(browser)).toBe(false);
  });

  test('works by POST as well (§2)', async () => {
    const { browser, idToken } = await signIn(sts.issuer);
    const posted = await fetch(`${sts.issuer}/connect/endsession`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: 'http://localhost:5173' },
      body: new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: HOME }),
    });
    expect(posted.status).toBe(303);
    const question = await browser.open(posted.headers.get('location') ?? '');
    expect((await browser.submit(question, { logout: 'yes' })).url).toBe(HOME);
    expect(await isSignedIn(browser)).toBe(false);
  });

  test('in a browser without the session’s cookie asks and ends the session that the hint names', async () => {
    const { browser, idToken, accessToken } = await signIn(sts.issuer);
    const elsewhere = new Browser(sts.issuer);
    const request = endSession({ id_token_hint: idToken, post_logout_redirect_uri: HOME, state: 'bye' });
    const question = await elsewhere.open(request);
    expect(asks(question)).toBe(true);
    expect(await isActive(accessToken)).toBe(true);
    expect((await elsewhere.submit(question, { logout: 'yes' })).url).toBe(`${HOME}?state=bye`);
    expect(await isActive(accessToken)).toBe(false);
    expect(await isSignedIn(browser)).toBe(false);
  });

  test('goes straight back, with the state, when the session has ended', async () => {
    const { idToken, accessToken } = await signIn(sts.issuer);
    await sts.state.revocation.endSession(String(decodeJwt(accessToken)['sid']));
    const page = await new Browser(sts.issuer).open(
      endSession({ id_token_hint: idToken, post_logout_redirect_uri: HOME, state: 'bye' }),
    );
    expect(page.url).toBe(`${HOME}?state=bye`);
  });

  test('ends nothing of another session of the browser that answers', async () => {
    const alice = await signIn(sts.issuer);
    const question = await new Browser(sts.issuer).open(endSession({ id_token_hint: alice.idToken }));
    const bob = await signIn(sts.issuer, { username: 'bob' });
    await bob.browser.submit(question, { logout: 'yes' });
    expect([await isActive(alice.accessToken), await isActive(bob.accessToken)]).toEqual([false, true]);
    expect(await isSignedIn(bob.browser)).toBe(true);
  });

  test('declined leaves the session, and ends what the client that asked holds', async () => {
    const { browser, idToken, refreshToken } = await signIn(sts.issuer);
    const question = await browser.open(endSession({ id_token_hint: idToken }));
    expect((await browser.submit(question, {})).body).toContain('You are still signed in');
    expect((await refresh(sts.issuer, refreshToken)).body['error']).toBe('invalid_grant');
    expect(await isSignedIn(browser)).toBe(true);
  });

  test('does not take the answer from another origin, and nothing ends', async () => {
    const { browser, idToken } = await signIn(sts.issuer);
    const question = await browser.open(endSession({ id_token_hint: idToken }));
    const answer = await browser.submit(question, { logout: 'yes' }, { origin: 'http://localhost:5173' });
    expect(answer.status).toBe(403);
    expect(await isSignedIn(browser)).toBe(true);
  });

  test.each([
    {
      why: 'about another session',
      change: (xsrf: string) =>
        `${Buffer.from('{"session":"x"}').toString('base64url')}.${xsrf.split('.')[1] ?? ''}`,
    },
    { why: 'without a question', change: () => '' },
  ])('does not take an answer $why, and nothing ends', async ({ change }) => {
    const { browser, idToken } = await signIn(sts.issuer);
    const question = await browser.open(endSession({ id_token_hint: idToken }));
    const xsrf = change(formOf(question).fields['xsrf'] ?? '');
    expect((await browser.submit(question, { xsrf, logout: 'yes' })).status).toBe(400);
    expect(await isSignedIn(browser)).toBe(true);
  });

  test('does not take an answer half an hour later', async () => {
    const { browser, idToken } = await signIn(sts.issuer);
    const question = await browser.open(endSession({ id_token_hint: idToken }));
    sts.clock.skewSeconds = 30 * 60 + 1;
    expect((await browser.submit(question, { logout: 'yes' })).status).toBe(400);
    sts.clock.skewSeconds = 0;
  });

  test('says so on a page of ours when the client named no address to go back to', async () => {
    const { browser, idToken } = await signIn(sts.issuer);
    const question = await browser.open(endSession({ id_token_hint: idToken }));
    const done = await browser.submit(question, { logout: 'yes' });
    expect(done.status).toBe(200);
    expect(done.body).toContain('You are signed out');
    expect(done.body).toContain('Back to Behalf');
    expect(done.body).not.toContain('<script');
  });

  const tokens = signInOnce();
  test.each([
    {
      why: 'an address that is not registered (§3)',
      form: { post_logout_redirect_uri: 'https://evil.example/' },
    },
    {
      why: 'an access token as the hint',
      form: async () => ({ id_token_hint: (await tokens()).accessToken }),
    },
    {
      why: 'a hint with a wrong signature',
      form: async () => ({ id_token_hint: `${(await tokens()).idToken.slice(0, -4)}AAAA` }),
    },
    { why: 'a hint of another client', form: { client_id: 'mcp.client' } },
    { why: 'an unknown client', form: { id_token_hint: '', client_id: 'unknown' } },
  ])('refuses $why in words', async ({ form }) => {
    const changes = typeof form === 'function' ? await form() : form;
    const page = await new Browser(sts.issuer).open(
      endSession({ id_token_hint: (await tokens()).idToken, ...changes }),
    );
    expect(page.status).toBe(400);
    expect(page.url.startsWith(sts.issuer)).toBe(true);
    expect(page.body).toContain('That did not work');
  });

  test('another user signing in goes on by a button, not by a script, and ends the first session', async () => {
    const { browser, accessToken } = await signIn(sts.issuer);
    const page = await browser.open(
      authorizeUrl(sts.issuer, newVerifier(), { parameters: { prompt: 'login' } }),
    );
    const step = await browser.submit(page, { username: 'bob', password: 'bob' });
    expect(step.body.replace(/\s+/g, ' ')).toContain('When you continue, that person is signed out');
    expect(step.body).not.toContain('<script');
    const done = await browser.submit(step, {});
    expect(new URL(done.url).searchParams.get('code')).not.toBeNull();
    expect(new URL(done.url).origin).toBe(new URL(REDIRECT_URI).origin);
    expect(await isActive(accessToken)).toBe(false);
  });

  function signInOnce() {
    let signedIn: ReturnType<typeof signIn> | undefined;
    return () => (signedIn ??= signIn(sts.issuer));
  }
});

describe('an OpenID client with a back-channel logout address', () => {
  const client = { client_id: 'openid.client', redirect_uri: 'https://rp.example/callback' };

  test('is told once, by the `sid` of its ID tokens, after the session has ended', async () => {
    const received: { token: string; wasActive: unknown }[] = [];
    let accessToken = '';
    const receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const token = new URLSearchParams(body).get('logout_token') ?? '';
        void isActive(accessToken).then((wasActive) => {
          received.push({ token, wasActive });
          response.writeHead(200).end();
        });
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    await sts.state.clients.upsert({
      id: client.client_id,
      firstParty: true,
      scopes: [],
      metadata: {
        ...client,
        grant_types: ['authorization_code'],
        response_types: ['code'],
        redirect_uris: [client.redirect_uri],
        scope: 'openid',
        backchannel_logout_uri: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
        backchannel_logout_session_required: true,
      },
    });
    await sts.state.clients.addSecret(client.client_id, 'its secret');
    try {
      const user = await signIn(sts.issuer);
      ({ accessToken } = user);
      const { browser } = user;
      const parameters = { ...client, scope: 'openid', client_secret: 'its secret' };
      const authorization = await authorize(sts.issuer, { browser, parameters, resource: [] });
      const { body } = await redeem(sts.issuer, authorization, { ...client, client_secret: 'its secret' });
      const { sid } = decodeJwt(String(body['id_token']));
      expect(sid).toBe(decodeJwt(accessToken)['sid']);

      const question = await browser.open(endSession({ id_token_hint: String(body['id_token']) }));
      await browser.submit(question, { logout: 'yes' });
      await expect.poll(() => received).toHaveLength(1);
      expect(received[0]?.wasActive).toBe(false);
      expect(decodeJwt(received[0]?.token ?? '')).toMatchObject({ aud: client.client_id, sid });
      await sts.state.sweep();
      const { db } = sts.state.database;
      const pending = db.selectFrom('logout_outbox').select('client_id').where('delivered_at', 'is', null);
      await expect.poll(() => pending.where('client_id', '=', client.client_id).execute()).toEqual([]);
      expect(received).toHaveLength(1);
    } finally {
      receiver.close();
    }
  });
});
