import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, DAVE } from '../src/registry/users-and-issuers.ts';
import { Browser } from './support/browser.ts';
import { authorize, authorizeUrl, newVerifier, post, redeem, refresh, signIn } from './support/sign-in.ts';
import { API1, REDIRECT_URI, startTestSts, type TestSts } from './support/sts.ts';

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

/** A machine may be busy between issuing and looking. */
const PATIENCE_SECONDS = 60;

const token = (form: Record<string, string>) => post(`${sts.issuer}/connect/token`, form);

describe('the authorization code flow', () => {
  test('gives an access token for one API, as RFC 9068 has it, with the login behind it', async () => {
    const { accessToken, answer } = await signIn(sts.issuer);
    expect(answer).toMatchObject({ token_type: 'Bearer', expires_in: 600, scope: 'api1' });
    expect(decodeProtectedHeader(accessToken)).toEqual({
      typ: 'at+jwt',
      alg: 'ES256',
      kid: expect.any(String),
    });
    const claims = decodeJwt(accessToken);
    expect(claims).toEqual({
      iss: sts.issuer,
      sub: ALICE,
      aud: API1,
      client_id: 'web.client',
      scope: 'api1',
      iat: expect.any(Number),
      exp: (claims.iat ?? 0) + 600,
      jti: expect.any(String),
      sid: expect.stringMatching(/^[\w-]{43}$/),
      auth_time: expect.any(Number),
      amr: ['pwd'],
    });
  });

  test('says how long the refresh token lives, which is until the session ends, also after it was rotated', async () => {
    const { answer } = await signIn(sts.issuer);
    const { refresh_token: first, refresh_token_expires_in: eightHours } = answer;
    expect(Math.abs(Number(eightHours) - 8 * 3600)).toBeLessThan(PATIENCE_SECONDS);
    sts.clock.skewSeconds = 3600;
    const { body } = await token({
      grant_type: 'refresh_token',
      client_id: 'web.client',
      refresh_token: String(first),
      resource: API1,
    });
    sts.clock.skewSeconds = 0;
    expect(body['refresh_token']).not.toBe(first);
    expect(Math.abs(Number(body['refresh_token_expires_in']) - 7 * 3600)).toBeLessThan(PATIENCE_SECONDS);
  });

  test('answers the authorization request with iss (RFC 9207) and the state', async () => {
    const { redirect } = await authorize(sts.issuer);
    expect(`${redirect.origin}${redirect.pathname}`).toBe(REDIRECT_URI);
    expect(redirect.searchParams.get('iss')).toBe(sts.issuer);
    expect(redirect.searchParams.get('state')).toBe('a-state');
  });

  test('gives a user with may_act tokens that carry it (RFC 8693 §4.4)', async () => {
    const { accessToken } = await signIn(sts.issuer, { username: 'dave' });
    expect(decodeJwt(accessToken)).toMatchObject({ sub: DAVE, may_act: { sub: 'support.client' } });
  });

  test('gives an ID token of its own type, which no API takes for an access token', async () => {
    const { idToken } = await signIn(sts.issuer);
    expect(decodeProtectedHeader(idToken)['typ']).not.toBe('at+jwt');
    expect(decodeJwt(idToken)).toMatchObject({ iss: sts.issuer, sub: ALICE, aud: 'web.client' });
  });

  test('redeems a code once, also under parallel attempts, and ends its tokens (RFC 6749 §4.1.2)', async () => {
    const authorization = await authorize(sts.issuer);
    const answers = await Promise.all(Array.from({ length: 12 }, () => redeem(sts.issuer, authorization)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(1);
    expect(statuses.filter((status) => status === 400).length).toBeGreaterThanOrEqual(11);
    const won = answers.find(({ status }) => status === 200);
    const again = await refresh(sts.issuer, won?.body['refresh_token'] ?? 'none');
    expect(again.body['error']).toBe('invalid_grant');
  });

  test('chooses the API of the token by resource, of those that were authorized (RFC 8707 §2.2)', async () => {
    const authorization = await authorize(sts.issuer, {
      scope: 'openid api1 account',
      resource: [API1, sts.issuer],
    });
    const answer = await redeem(sts.issuer, authorization, { resource: sts.issuer });
    expect(answer.body['scope']).toBe('account');
    const refreshed = await refresh(sts.issuer, answer.body['refresh_token'], { resource: API1 });
    expect(refreshed.body['scope']).toBe('api1');
    expect(decodeJwt(String(refreshed.body['access_token'])).aud).toBe(API1);
  });

  test('gives an opaque token, for userinfo only, to a token request without resource', async () => {
    const answer = await redeem(sts.issuer, await authorize(sts.issuer), {});
    expect(answer.status).toBe(200);
    expect(String(answer.body['access_token'])).not.toContain('.');
    const userinfo = await fetch(`${sts.issuer}/connect/userinfo`, {
      headers: { authorization: `Bearer ${String(answer.body['access_token'])}` },
    });
    expect(await userinfo.json()).toEqual({
      sub: ALICE,
      name: 'Alice Adler',
      preferred_username: 'alice',
      email: 'alice@behalf.example',
      // Operators enter addresses; nothing verifies them.
      email_verified: false,
    });
  });

  test('does not take an access token for an API at userinfo', async () => {
    const { accessToken } = await signIn(sts.issuer);
    const userinfo = await fetch(`${sts.issuer}/connect/userinfo`, {
      headers: { authorization: `Bearer ${accessToken}` },
    });
    expect(userinfo.status).toBe(401);
  });

  test('signs a known browser in without asking again', async () => {
    const first = await authorize(sts.issuer);
    const second = await authorize(sts.issuer, { browser: first.browser, parameters: { prompt: 'none' } });
    expect(second.code).not.toBe(first.code);
  });

  test('answers login_required to prompt=none without a session (OpenID Connect Core §3.1.2.6)', async () => {
    const page = await new Browser(sts.issuer).open(
      authorizeUrl(sts.issuer, newVerifier(), { parameters: { prompt: 'none' } }),
    );
    expect(new URL(page.url).searchParams.get('error')).toBe('login_required');
  });
});

describe('an authorization request is refused', () => {
  const refusals = [
    {
      name: 'with plain PKCE (RFC 9700 §2.1.1)',
      parameters: { code_challenge_method: 'plain' },
      error: 'invalid_request',
    },
    {
      name: 'without PKCE (RFC 9700 §2.1.1)',
      parameters: { code_challenge: '', code_challenge_method: '' },
      error: 'invalid_request',
    },
    {
      name: 'for the implicit grant (RFC 9700 §2.1.2)',
      parameters: { response_type: 'token' },
      error: 'unsupported_response_type',
    },
    {
      name: 'for a scope the client is not registered for',
      parameters: { scope: 'openid api2' },
      error: 'invalid_scope',
    },
  ];
  test.each(refusals)('$name', async ({ parameters, error }) => {
    const page = await new Browser(sts.issuer).open(authorizeUrl(sts.issuer, newVerifier(), { parameters }));
    const { origin, search, hash } = new URL(page.url);
    expect(origin).toBe(new URL(REDIRECT_URI).origin);
    // For the implicit grant the answer is in the fragment (RFC 6749 §4.2.2.1).
    expect(new URLSearchParams(search === '' ? hash.slice(1) : search).get('error')).toBe(error);
  });

  test.each([
    { resource: 'http://localhost:4002', why: 'the client has no scope there' },
    { resource: 'http://localhost:9999', why: 'nobody knows it' },
  ])('for the resource $resource: $why (RFC 8707 §2)', async ({ resource }) => {
    const page = await new Browser(sts.issuer).open(
      authorizeUrl(sts.issuer, newVerifier(), { resource: [resource] }),
    );
    expect(new URL(page.url).searchParams.get('error')).toBe('invalid_target');
  });

  const notSentBack = [
    { name: 'a wrong redirect URI', parameters: { redirect_uri: 'http://localhost:5173/other' } },
    { name: 'a longer redirect URI', parameters: { redirect_uri: `${REDIRECT_URI}/` } },
    { name: 'no redirect URI', parameters: { redirect_uri: '' } },
    { name: 'an unknown client', parameters: { client_id: 'nobody' } },
    {
      name: 'a client that only the server itself acts as',
      parameters: { client_id: 'userSubscriptionClient' },
    },
  ];
  test.each(notSentBack)(
    'with a page, not a redirect, for $name (RFC 6749 §4.1.2.1)',
    async ({ parameters }) => {
      const page = await new Browser(sts.issuer).open(
        authorizeUrl(sts.issuer, newVerifier(), { parameters }),
      );
      expect(page.status).toBe(400);
      expect(page.url.startsWith(sts.issuer)).toBe(true);
      expect(page.body).toContain('That did not work');
    },
  );
});

describe('a code is refused', () => {
  test('with another verifier (RFC 7636 §4.6)', async () => {
    const authorization = await authorize(sts.issuer);
    const answer = await redeem(sts.issuer, { ...authorization, codeVerifier: newVerifier() });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  test('without a verifier (RFC 7636 §4.6)', async () => {
    const { code } = await authorize(sts.issuer);
    const answer = await token({
      grant_type: 'authorization_code',
      client_id: 'web.client',
      redirect_uri: REDIRECT_URI,
      code,
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  test('with another redirect URI, and without one (RFC 6749 §4.1.3)', async () => {
    const authorization = await authorize(sts.issuer);
    const other = await redeem(sts.issuer, authorization, { redirect_uri: 'http://localhost:5173/' });
    expect(other.body['error']).toBe('invalid_grant');
    const none = await redeem(sts.issuer, authorization, { redirect_uri: '' });
    expect(none.body['error']).toBe('invalid_request');
  });

  test('for a resource that was not authorized (RFC 8707 §2.2)', async () => {
    const answer = await redeem(sts.issuer, await authorize(sts.issuer), { resource: sts.issuer });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
  });
});

describe('a refresh token', () => {
  test('is rotated, and the new one keeps the login (RFC 9700 §4.14.2)', async () => {
    const first = await signIn(sts.issuer);
    const answer = await refresh(sts.issuer, first.refreshToken);
    expect(answer.status).toBe(200);
    expect(answer.body['refresh_token']).not.toBe(first.refreshToken);
    const [before, after] = [first.accessToken, String(answer.body['access_token'])].map((jwt) =>
      decodeJwt(jwt),
    );
    expect(after).toMatchObject({ sid: before?.['sid'], auth_time: before?.['auth_time'], amr: ['pwd'] });
  });

  test('used twice ends the grant: the rotated one is dead too (RFC 9700 §4.14.2)', async () => {
    const { refreshToken } = await signIn(sts.issuer);
    const rotated = await refresh(sts.issuer, refreshToken);
    expect((await refresh(sts.issuer, refreshToken)).body['error']).toBe('invalid_grant');
    expect((await refresh(sts.issuer, rotated.body['refresh_token'])).body['error']).toBe('invalid_grant');
  });

  test('is good once under parallel attempts', async () => {
    const { refreshToken } = await signIn(sts.issuer);
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(sts.issuer, refreshToken)));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
  });

  test('of one client is not taken from another', async () => {
    const { refreshToken } = await signIn(sts.issuer);
    const answer = await token({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: 'api1.client',
      client_secret: 'secret',
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
  });

  test.each([
    { scope: 'api1 account', resource: '', error: 'invalid_scope', why: 'scopes of two APIs' },
    {
      scope: 'account',
      resource: API1,
      error: 'invalid_target',
      why: 'a scope of another API than resource',
    },
    { scope: 'api1 api2', resource: API1, error: 'invalid_scope', why: 'a scope the login does not have' },
  ])('is refused with $why', async ({ scope, resource, error }) => {
    const { refreshToken } = await signIn(sts.issuer, {
      scope: 'openid api1 account',
      resource: [API1, sts.issuer],
    });
    const answer = await refresh(sts.issuer, refreshToken, { scope, resource });
    expect(answer).toMatchObject({ status: 400, body: { error } });
  });

  test('with a scope and no resource gives a token for the API of that scope', async () => {
    const { refreshToken } = await signIn(sts.issuer);
    const answer = await refresh(sts.issuer, refreshToken, { scope: 'api1' });
    expect(decodeJwt(String(answer.body['access_token']))).toMatchObject({ aud: API1, scope: 'api1' });
  });
});

describe('what is not there', () => {
  test.each(['/', '/nothing', '/connect', '/connect/nothing', '/.well-known/nothing'])(
    '%s is a JSON 404',
    async (path) => {
      const response = await fetch(`${sts.issuer}${path}`, { headers: { accept: 'text/html' } });
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toMatch(/^application\/(problem\+)?json/);
    },
  );

  test('a token request by GET is 405', async () => {
    expect((await fetch(`${sts.issuer}/connect/token`)).status).toBe(405);
  });
});

test('logs hold no code, token, secret, password or cookie', async () => {
  const { accessToken, refreshToken, idToken, code, codeVerifier, browser } = await signIn(sts.issuer, {
    username: 'carol',
  });
  await new Browser(sts.issuer).open(`${sts.issuer}/connect/endsession?id_token_hint=${idToken}`);
  await token({
    grant_type: 'refresh_token',
    client_id: 'web.client',
    refresh_token: 'no-such-refresh-token',
  });
  const log = sts.log.join('');
  const secrets = [accessToken, refreshToken, idToken, code, codeVerifier, 'no-such-refresh-token'];
  for (const secret of [...secrets, ...browser.cookies.map(({ value }) => value)]) {
    expect(log).not.toContain(secret);
  }
  expect(log).not.toContain('"carol"');
  expect(sts.log.length).toBeGreaterThan(5);
});
