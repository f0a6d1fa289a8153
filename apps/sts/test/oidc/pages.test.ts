import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, formOf } from '../support/browser.ts';
import { authorizeUrl, newVerifier, post, redeem } from '../support/sign-in.ts';
import { API1, REDIRECT_URI, startTestSts, type TestSts } from '../support/sts.ts';

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

test('response_mode=form_post is a page with a button and no script, whose form may go to the client', async () => {
  const browser = new Browser(sts.issuer);
  const codeVerifier = newVerifier();
  const page = await browser.open(
    authorizeUrl(sts.issuer, codeVerifier, {
      parameters: { response_mode: 'form_post', state: 'a "state" & <more>' },
    }),
  );
  const answer = await browser.submit(page, { username: 'alice', password: 'alice' });
  expect(answer.body).not.toContain('<script');
  expect(answer.headers.get('content-security-policy')).toContain(
    "form-action 'self' http://localhost:5173;",
  );
  const form = formOf(answer);
  expect(form.action).toBe(REDIRECT_URI);
  expect(form.fields).toMatchObject({ state: 'a "state" & <more>', iss: sts.issuer });
  const tokens = await redeem(sts.issuer, { code: form.fields['code'] ?? '', codeVerifier });
  expect(tokens.status).toBe(200);
});

describe('a pushed authorization request (RFC 9126)', () => {
  const push = (codeVerifier: string, form: Record<string, string> = {}) =>
    post(`${sts.issuer}/connect/par`, {
      client_id: 'web.client',
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      scope: 'openid api1',
      resource: API1,
      code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...form,
    });

  test('leads to a code by its request_uri, once', async () => {
    const codeVerifier = newVerifier();
    const { status, body } = await push(codeVerifier);
    expect(status).toBe(201);
    const query = new URLSearchParams({ client_id: 'web.client', request_uri: String(body['request_uri']) });
    const browser = new Browser(sts.issuer);
    const page = await browser.open(`${sts.issuer}/connect/authorize?${query.toString()}`);
    const done = await browser.submit(page, { username: 'alice', password: 'alice' });
    const code = new URL(done.url).searchParams.get('code') ?? '';
    expect((await redeem(sts.issuer, { code, codeVerifier })).body).toMatchObject({ scope: 'api1' });
    const again = await browser.open(`${sts.issuer}/connect/authorize?${query.toString()}`);
    expect(new URL(again.url).searchParams.get('code')).toBeNull();
  });

  test.each([
    {
      why: 'a scope that the client is not registered for',
      form: { scope: 'openid api2' },
      error: 'invalid_scope',
    },
    {
      why: 'a resource where it has no scope',
      form: { resource: 'http://localhost:4002' },
      error: 'invalid_target',
    },
    {
      why: 'a wrong redirect URI',
      form: { redirect_uri: 'https://evil.example/' },
      error: 'invalid_request',
    },
    { why: 'plain PKCE', form: { code_challenge_method: 'plain' }, error: 'invalid_request' },
  ])('is refused for $why', async ({ form, error }) => {
    expect(await push(newVerifier(), form)).toMatchObject({ status: 400, body: { error } });
  });
});

describe('errors', () => {
  test('of endpoints for programs are JSON, whatever Accept says', async () => {
    const response = await fetch(`${sts.issuer}/connect/userinfo`, { headers: { accept: 'text/html' } });
    expect(response.status).toBe(401);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  });

  test('that came to nobody’s sign-in any more are told in words', async () => {
    const page = await new Browser(sts.issuer).open(`${sts.issuer}/connect/authorize/a-sign-in-that-is-over`);
    expect(page.status).toBe(400);
    expect(page.body).toContain('This page has expired');
    expect(page.body).toContain('href="/application"');
  });

  test('show what a stranger put into the request escaped, if at all', async () => {
    const page = await new Browser(sts.issuer).open(
      `${sts.issuer}/connect/authorize?client_id=${encodeURIComponent('<img src=x onerror=alert(1)>')}`,
    );
    expect(page.status).toBe(400);
    expect(page.body).not.toContain('<img');
    expect(page.body).toContain('href="/application"');
  });
});
