import { afterAll, beforeAll, expect, test } from 'vitest';
import { authorize, authorizeUrl, newVerifier, redeem } from '../support/sign-in.ts';
import { startTestSts, type TestSts } from '../support/sts.ts';

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

const send = (body: string, headers: Record<string, string> = {}) =>
  fetch(`${sts.issuer}/connect/authorize`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html', ...headers },
    body,
  });

test('an authorization request may come by POST (OpenID Connect Core §3.1.2.1)', async () => {
  const { browser } = await authorize(sts.issuer);
  const codeVerifier = newVerifier();
  const { searchParams } = new URL(authorizeUrl(sts.issuer, codeVerifier));
  const posted = await send(searchParams.toString(), { origin: 'https://client.example' });
  expect(posted.status).toBe(303);
  expect(posted.headers.get('cache-control')).toBe('no-store');
  const answered = await browser.open(posted.headers.get('location') ?? '');
  const code = new URL(answered.url).searchParams.get('code') ?? '';
  expect((await redeem(sts.issuer, { code, codeVerifier })).status).toBe(200);
});

test('says by POST what it says by GET of a bad request, and redirects nowhere', async () => {
  const { searchParams } = new URL(authorizeUrl(sts.issuer, newVerifier()));
  searchParams.set('redirect_uri', 'https://evil.example/');
  const posted = await send(searchParams.toString());
  const location = posted.headers.get('location') ?? '';
  expect(location.startsWith(`${sts.issuer}/connect/authorize?`)).toBe(true);
  expect((await fetch(location, { redirect: 'manual' })).status).toBe(400);
});

test('hands repeated parameters on, which are refused (RFC 6749 §3.1)', async () => {
  const { search } = new URL(authorizeUrl(sts.issuer, newVerifier()));
  const posted = await send(`${search.slice(1)}&client_id=another`);
  const answer = await fetch(posted.headers.get('location') ?? '', { redirect: 'manual' });
  expect(answer.status).toBe(400);
});

test('takes the form alone, not the query of the address', async () => {
  const { search } = new URL(authorizeUrl(sts.issuer, newVerifier()));
  const posted = await fetch(`${sts.issuer}/connect/authorize${search}`, {
    method: 'POST',
    redirect: 'manual',
  });
  expect(posted.headers.get('location')).toBe(`${sts.issuer}/connect/authorize?`);
});

test('is 413 past 8 KiB', async () => {
  expect((await send(`state=${'x'.repeat(9000)}`)).status).toBe(413);
});
