import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lifetimes } from '../../src/lifetimes.ts';
import { FAILURES_PER_NAME } from '../../src/interactions/throttle.ts';
import { Browser, type BrowserPage, formOf } from '../support/browser.ts';
import { authorizeUrl, newVerifier, redeem, signIn, type SignInOptions } from '../support/sign-in.ts';
import { API1, startTestSts, type TestSts } from '../support/sts.ts';

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
  await sts.state.clients.upsert({
    id: 'partner.app',
    firstParty: false,
    scopes: ['api1'],
    metadata: {
      client_id: 'partner.app',
      client_name: 'A <b>partner</b> & "co"',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['https://partner.example/callback'],
      post_logout_redirect_uris: ['https://partner.example/bye'],
      scope: 'openid profile email offline_access',
    },
  });
});

afterAll(() => sts.close());

async function signInPage(options: SignInOptions = {}): Promise<{ browser: Browser; page: BrowserPage }> {
  const browser = options.browser ?? new Browser(sts.issuer);
  return { browser, page: await browser.open(authorizeUrl(sts.issuer, newVerifier(), options)) };
}

const WAY_ON = '<a class="button" href="/application">Go to Behalf</a>';

const sessionOf = (token: string) => decodeJwt(token)['sid'];

const PARTNER = { client_id: 'partner.app', redirect_uri: 'https://partner.example/callback' };

describe('the sign-in page', () => {
  test('has one form with labelled fields, and no script or inline style', async () => {
    const { page } = await signInPage();
    expect(page.status).toBe(200);
    expect(page.body).toMatch(/<html lang="en">/);
    expect(page.body).toMatch(/<label for="username">/);
    expect(page.body).toMatch(/<label for="password">/);
    expect(page.body).not.toMatch(/<script|<style|\sstyle=|\son[a-z]+=/);
    expect(formOf(page).method).toBe('post');
  });

  test('is not stored, framed or run with script, and its form leads home or to the client', async () => {
    const { page } = await signInPage();
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; img-src data:; form-action 'self' http://localhost:5173; " +
        "base-uri 'none'; frame-ancestors 'none'",
    );
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('asks who is signed in already for the password alone (OpenID Connect Core §3.1.2.1, prompt=login)', async () => {
    const { browser } = await signIn(sts.issuer, { username: 'bob' });
    const { page } = await signInPage({ browser, parameters: { prompt: 'login' } });
    expect(page.body).toMatch(/id="username"[^>]*value="bob"/);
    const stranger = await signInPage({ parameters: { prompt: 'login' } });
    expect(stranger.page.body).toMatch(/id="username"[^>]*value=""/);
  });

  test('a sign-in anew goes on in the session that it is in', async () => {
    const { browser, accessToken } = await signIn(sts.issuer);
    const again = await signIn(sts.issuer, { browser, parameters: { prompt: 'login' } });
    expect(sessionOf(again.accessToken)).toBe(sessionOf(accessToken));
  });

  test('serves its one style sheet', async () => {
    const { page } = await signInPage();
    const href = /<link rel="stylesheet" href="([^"]+)"/.exec(page.body)?.[1] ?? '';
    const response = await fetch(new URL(href, sts.issuer));
    expect(response.headers.get('content-type')).toMatch(/^text\/css/);
    expect(await response.text()).toContain('--accent: #2456d6');
  });

  test('names the application, escaped', async () => {
    const { page } = await signInPage({ parameters: PARTNER });
    expect(page.body).toContain('A &lt;b&gt;partner&lt;/b&gt; &amp; &quot;co&quot;');
  });

  test('fills in login_hint, escaped', async () => {
    const { page } = await signInPage({ parameters: { login_hint: '"><script>' } });
    expect(page.body).toContain('value="&quot;&gt;&lt;script&gt;"');
  });

  test.each([
    { why: 'a wrong password', username: 'alice', password: 'wrong' },
    { why: 'an unknown name', username: 'nobody', password: 'wrong' },
  ])('comes back after $why with the same summary and the name kept', async ({ username, password }) => {
    const { browser, page } = await signInPage();
    const again = await browser.submit(page, { username, password });
    expect(again.status).toBe(401);
    expect(again.body).toMatch(/role="alert"[\s\S]*do not fit/);
    expect(again.body).toContain(`value="${username}"`);
    expect(again.body).not.toContain('value="wrong"');
    const done = await browser.submit(again, { username: 'alice', password: 'alice' });
    expect(new URL(done.url).searchParams.get('code')).not.toBeNull();
  });

  test('comes back when a field is empty', async () => {
    const { browser, page } = await signInPage();
    const again = await browser.submit(page, { username: 'alice', password: '' });
    expect(again.status).toBe(400);
    expect(again.body).toMatch(/role="alert"/);
  });

  test('goes back to the client with access_denied on Cancel', async () => {
    const { browser, page } = await signInPage();
    const done = await browser.submit(page, { action: 'abort' });
    expect(new URL(done.url).searchParams.get('error')).toBe('access_denied');
    expect(new URL(done.url).searchParams.get('error_description')).toBe('the sign-in was cancelled');
    expect(new URL(done.url).searchParams.get('iss')).toBe(sts.issuer);
  });

  test.each([
    { why: 'another origin', headers: { origin: 'http://localhost:5173' } },
    { why: 'a hidden origin', headers: { origin: 'null' } },
    { why: 'another port of this host', headers: { origin: 'http://127.0.0.1:1' } },
  ])('does not take its form from $why', async ({ headers }) => {
    const { browser, page } = await signInPage();
    const answer = await browser.submit(page, { username: 'alice', password: 'alice' }, headers);
    expect(answer.status).toBe(403);
    expect(answer.body).toContain('sent from another site');
    expect(answer.body).toContain(WAY_ON);
  });

  test('ends in no page without a way on: there is a link to the application', async () => {
    const response = await fetch(`${sts.issuer}/application`, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([303, `${sts.config.webOrigin}/`]);
  });

  test('does not take its form from another browser: its cookie is missing', async () => {
    const { page } = await signInPage();
    const answer = await new Browser(sts.issuer).submit(page, { username: 'alice', password: 'alice' });
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('This page has expired');
    expect(answer.body).toContain(WAY_ON);
  });

  test('says what to do when the sign-in is over', async () => {
    const { browser, page } = await signInPage();
    await browser.submit(page, { username: 'alice', password: 'alice' });
    const late = await browser.open(page.url);
    expect(late.status).toBe(400);
    expect(late.body.replace(/\s+/g, ' ')).toContain('go back to the application');
    expect(late.body).toContain(WAY_ON);
  });

  test('a disabled user is refused like an unknown one', async () => {
    await sts.state.users.add({ name: 'erin', password: 'erin' });
    await sts.state.users.setDisabled('erin', true);
    const { browser, page } = await signInPage();
    expect((await browser.submit(page, { username: 'erin', password: 'erin' })).status).toBe(401);
  });
});

describe('failed sign-ins', () => {
  test('are paused after ten for that name, until the window ends; successes are not counted', async () => {
    await sts.state.users.add({ name: 'frank', password: 'frank' });
    for (let success = 0; success < FAILURES_PER_NAME + 1; success += 1) {
      const { browser, page } = await signInPage();
      const done = await browser.submit(page, { username: 'frank', password: 'frank' });
      expect(new URL(done.url).searchParams.get('code')).not.toBeNull();
    }
    const { browser, page } = await signInPage();
    for (let failure = 0; failure < FAILURES_PER_NAME; failure += 1) {
      expect((await browser.submit(page, { username: 'frank', password: 'wrong' })).status).toBe(401);
    }
    const paused = await browser.submit(page, { username: ' FRANK ', password: 'frank' });
    expect(paused.status).toBe(429);
    expect(Number(paused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(paused.headers.get('retry-after'))).toBeLessThanOrEqual(lifetimes.signInWindowSeconds);
    expect(paused.body).toContain('Too many attempts');

    const other = await browser.submit(page, { username: 'alice', password: 'wrong' });
    expect(other.status).toBe(401);

    sts.clock.skewSeconds += lifetimes.signInWindowSeconds + 1;
    const later = await signInPage();
    const done = await later.browser.submit(later.page, { username: 'frank', password: 'frank' });
    expect(new URL(done.url).searchParams.get('code')).not.toBeNull();
    sts.clock.skewSeconds = 0;
  });

  test('are counted before they are tried, so that parallel guesses do not pass together', async () => {
    const { browser, page } = await signInPage();
    const answers = await Promise.all(
      Array.from({ length: FAILURES_PER_NAME + 6 }, () =>
        browser.submit(page, { username: 'grace', password: 'wrong' }),
      ),
    );
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(FAILURES_PER_NAME);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(6);
  });
});

describe('the consent page', () => {
  test('is shown for a client that is not first-party, and what is allowed there is granted', async () => {
    const browser = new Browser(sts.issuer);
    const codeVerifier = newVerifier();
    const parameters = { ...PARTNER, scope: 'openid profile api1' };
    const page = await browser.open(authorizeUrl(sts.issuer, codeVerifier, { parameters }));
    const consent = await browser.submit(page, { username: 'alice', password: 'alice' });
    expect(consent.body).toContain('Use your accounts');
    expect(consent.body).toContain('Alice Adler');
    expect(consent.body).toContain('https://partner.example');
    const done = await browser.submit(consent, { action: 'allow' });
    const code = new URL(done.url).searchParams.get('code') ?? '';
    const answer = await redeem(sts.issuer, { code, codeVerifier }, { ...PARTNER, resource: API1 });
    expect(answer.body).toMatchObject({ scope: 'api1' });
  });

  test('asked for once more, shows what was granted, and no word that the client made up', async () => {
    const asking = { scope: 'openid api1', parameters: PARTNER };
    const { browser, page } = await signInPage(asking);
    const consent = await browser.submit(page, { username: 'carol', password: 'carol' });
    await browser.submit(consent, { action: 'allow' });
    const again = await signInPage({
      browser,
      scope: 'openid api1 Approved_by_your_bank constructor',
      parameters: { ...PARTNER, prompt: 'consent' },
    });
    expect(again.page.body).toContain('Use your accounts');
    expect(again.page.body).not.toContain('Approved_by_your_bank');
    expect(again.page.body.match(/<li>/g)).toHaveLength(2);
  });

  test('goes back with access_denied when it is refused', async () => {
    const { browser, page } = await signInPage({ parameters: { ...PARTNER, scope: 'openid email' } });
    const consent = await browser.submit(page, { username: 'bob', password: 'bob' });
    const done = await browser.submit(consent, { action: 'abort' });
    expect(new URL(done.url).searchParams.get('error')).toBe('access_denied');
    expect(new URL(done.url).searchParams.get('error_description')).toBe('the user did not agree');
  });

  test('is not shown for offline_access of a first-party client', async () => {
    const { browser, page } = await signInPage({ scope: 'openid offline_access api1' });
    const done = await browser.submit(page, { username: 'alice', password: 'alice' });
    expect(new URL(done.url).searchParams.get('code')).not.toBeNull();
  });
});
