import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../support/browser.ts';
import { authorize, authorizeUrl, newVerifier } from '../support/sign-in.ts';
import { startTestSts, type TestSts } from '../support/sts.ts';

const ISSUER = 'https://sts.example';

describe('behind a proxy that ends TLS, the cookies', () => {
  let sts: TestSts;
  beforeAll(async () => {
    sts = await startTestSts({ environment: { NODE_ENV: 'development', ISSUER } });
  });
  afterAll(() => sts.close());

  test('sign a user in and keep the session, by the rules of browsers (RFC 6265bis §4.1.3)', async () => {
    const browser = new Browser(ISSUER, sts.address);
    await authorize(ISSUER, { browser });
    expect(browser.cookies.map(({ name }) => name)).toContain('__Host-behalf.session');
    // Signed in already: the second request is answered without a page.
    expect((await authorize(ISSUER, { browser, password: 'wrong' })).code).not.toBe('');
  });

  test.each(['https', 'http'])(
    'have prefixes and are Secure, whatever X-Forwarded-Proto says: %s',
    async (proto) => {
      const response = await fetch(authorizeUrl(sts.address, newVerifier()), {
        redirect: 'manual',
        headers: { 'x-forwarded-proto': proto },
      });
      const cookies = response.headers.getSetCookie();
      expect(cookies).not.toEqual([]);
      for (const cookie of cookies) {
        expect(cookie).toMatch(/^(__Host-behalf\.session|__Secure-behalf\.(interaction|resume))(\.sig)?=/);
        expect(cookie).toMatch(/; secure/i);
        expect(cookie).not.toMatch(/domain=/i);
      }
    },
  );
});

test('over http on this machine the cookies have no prefix, which browsers would refuse', async () => {
  const sts = await startTestSts();
  const { browser } = await authorize(sts.issuer);
  expect(browser.cookies.map(({ name }) => name)).toContain('behalf.session');
  await sts.close();
});
