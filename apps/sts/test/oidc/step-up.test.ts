import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { accessTokenOf, delegate, exchangeAgain } from '../support/requests.ts';
import { authorizeUrl, newVerifier, redeem, refresh, signIn } from '../support/sign-in.ts';
import { startTestSts, type TestSts } from '../support/sts.ts';

let sts: TestSts;
let old: Awaited<ReturnType<typeof signIn>>;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

const TEN_MINUTES = 600;

/** The person signed in ten minutes ago, and the browser is still the same. */
beforeEach(async () => {
  sts.clock.skewSeconds = -TEN_MINUTES;
  old = await signIn(sts.issuer, { parameters: { prompt: 'login' } });
  sts.clock.skewSeconds = 0;
});

const authTimeOf = (token: string) => Number(decodeJwt(token)['auth_time']);
const isRecent = (time: number) => Date.now() / 1000 - time < TEN_MINUTES - 60;
const open = (parameters: Record<string, string>) =>
  old.browser.open(authorizeUrl(sts.issuer, newVerifier(), { parameters }));

describe('a recent sign-in', () => {
  test.each([
    ['max_age=300', { max_age: '300' }],
    ['prompt=login', { prompt: 'login' }],
  ])('is asked for by %s (OpenID Connect Core §3.1.2.1)', async (_, parameters) => {
    expect((await open(parameters)).body).toContain('name="password"');
  });

  test('is not asked for by a max_age that the session satisfies', async () => {
    const page = await open({ max_age: '3600' });
    expect(new URL(page.url).searchParams.has('code')).toBe(true);
  });

  test('is not there without a page: prompt=none answers login_required', async () => {
    const page = await open({ prompt: 'none', max_age: '300' });
    expect(new URL(page.url).searchParams.get('error')).toBe('login_required');
  });

  test.each([{ max_age: '300' }, { prompt: 'login' }])(
    'by %j stands in the tokens that are issued after it, and the session stays the same',
    async (parameters) => {
      const fresh = await signIn(sts.issuer, { browser: old.browser, parameters });
      const [before, after] = [decodeJwt(old.accessToken), decodeJwt(fresh.accessToken)];
      expect(isRecent(authTimeOf(old.accessToken))).toBe(false);
      expect(isRecent(authTimeOf(fresh.accessToken))).toBe(true);
      expect({ sid: after['sid'], sub: after.sub }).toEqual({ sid: before['sid'], sub: before.sub });
      const rotated = await refresh(sts.issuer, fresh.refreshToken);
      expect(authTimeOf(String(rotated.body['access_token']))).toBe(authTimeOf(fresh.accessToken));
    },
  );

  test('stands in the ID token of a request with max_age (OpenID Connect Core §2)', async () => {
    const fresh = await signIn(sts.issuer, { browser: old.browser, parameters: { max_age: '300' } });
    expect(authTimeOf(fresh.idToken)).toBe(authTimeOf(fresh.accessToken));
  });

  test('changes nothing for older tokens of the session, also when they are refreshed', async () => {
    await signIn(sts.issuer, { browser: old.browser, parameters: { max_age: '300' } });
    const refreshed = await refresh(sts.issuer, old.refreshToken);
    expect(authTimeOf(String(refreshed.body['access_token']))).toBe(authTimeOf(old.accessToken));
  });

  test('is never made younger by an exchange: each hop has the auth_time of its subject token', async () => {
    const fresh = await signIn(sts.issuer, { browser: old.browser, parameters: { max_age: '300' } });
    for (const { accessToken } of [fresh, old]) {
      const delegated = accessTokenOf(await delegate(sts.issuer, accessToken));
      const further = accessTokenOf(await exchangeAgain(sts.issuer, delegated));
      expect([authTimeOf(delegated), authTimeOf(further)]).toEqual(Array(2).fill(authTimeOf(accessToken)));
    }
  });

  test('that was cancelled leaves the session and its tokens as they were', async () => {
    const page = await old.browser.submit(await open({ max_age: '300' }), { action: 'abort' });
    expect(new URL(page.url).searchParams.get('error')).toBe('access_denied');
    const codeVerifier = newVerifier();
    const again = await old.browser.open(authorizeUrl(sts.issuer, codeVerifier));
    const code = new URL(again.url).searchParams.get('code') ?? '';
    const { body } = await redeem(sts.issuer, { code, codeVerifier });
    expect(authTimeOf(String(body['access_token']))).toBe(authTimeOf(old.accessToken));
  });
});
