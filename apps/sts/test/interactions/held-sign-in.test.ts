/** A sign-in whose password was checked, and which is finished later. */

import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BOB } from '../../src/registry/users-and-issuers.ts';
import { Browser, formOf } from '../support/browser.ts';
import { authorizeUrl, newVerifier, redeem } from '../support/sign-in.ts';
import { startTestSts, type TestSts } from '../support/sts.ts';

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

/** Shows the password, and stops before the browser goes on. */
async function holdSignIn(username: string) {
  const codeVerifier = newVerifier();
  const browser = new Browser(sts.issuer);
  const page = await browser.open(authorizeUrl(sts.issuer, codeVerifier));
  const cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const posted = await fetch(new URL(formOf(page).action, sts.issuer), {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: sts.issuer, cookie },
    body: new URLSearchParams({ username, password: username }),
  });
  return async () => {
    const { url } = await browser.open(posted.headers.get('location') ?? '');
    return redeem(sts.issuer, { code: new URL(url).searchParams.get('code') ?? '', codeVerifier });
  };
}

test('opens a session that counts from then (OpenID Connect Core §2, auth_time)', async () => {
  const now = () => Math.floor(Date.now() / 1000) + sts.clock.skewSeconds;
  sts.clock.skewSeconds += 100;
  const shownAt = now();
  const finish = await holdSignIn('alice');
  sts.clock.skewSeconds += 100;
  const { auth_time } = decodeJwt(String((await finish()).body['access_token']));
  expect(auth_time).toBeGreaterThanOrEqual(shownAt);
  expect(auth_time).toBeLessThan(now());
});

test.each([
  ['the password was changed', () => sts.state.users.setPassword('alice', 'another')],
  ['all sessions were ended', () => sts.state.revocation.endAllSessionsOf(BOB)],
  ['everything was revoked', () => sts.state.revocation.revokeAllBefore()],
])('opens no session when %s in the same second, by a clock that is behind', async (what, happen) => {
  const finish = await holdSignIn(what.includes('password') ? 'alice' : 'bob');
  sts.clock.skewSeconds -= 4;
  await happen();
  sts.clock.skewSeconds += 4;
  expect((await finish()).body['error']).toBe('invalid_grant');
});
