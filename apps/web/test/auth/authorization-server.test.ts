import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { API, REDIRECT_URI } from '../support/authorization-server.ts';
import { NOW, unsigned, useAnsweringServer, type Changes } from '../support/answering-server.ts';

const DAY_SECONDS = 86_400;

const used = useAnsweringServer();

/** ID tokens that must not be used, after a sign-in or a refresh: OpenID Connect Core §3.1.3.7 by its items, §2 and §5.1. */
const BAD_ID_TOKENS: readonly (readonly [what: string, claims: object])[] = [
  ['of another issuer (item 2)', { iss: 'https://other.example' }],
  ['for another client (item 3)', { aud: 'other.client' }],
  ['for a list without this client (item 3)', { aud: ['a', 'b'] }],
  ['for a second audience that nobody trusts (item 3)', { aud: ['web.client', 'other.client'] }],
  ['for another authorized party (item 5)', { azp: 'other.client' }],
  ['that has expired (item 9)', { exp: NOW - DAY_SECONDS }],
  ['without an expiry (item 9)', { exp: undefined }],
  ['with a text as its expiry (item 9)', { exp: '4000000000' }],
  ['without the time of issue (item 10)', { iat: undefined }],
  ['with a text as the time of issue (item 10)', { iat: 'now' }],
  ['issued a day ahead (item 10)', { iat: NOW + DAY_SECONDS }],
  ['without a subject (§2)', { sub: undefined }],
  ['with a number as its subject (§2)', { sub: 42 }],
];

describe('the metadata', () => {
  it.each([
    ['another issuer', 'https://other.example'],
    ['the issuer with a slash more', '/'],
    ['none', undefined],
  ])('is refused when it names %s (OpenID Connect Discovery §4.3)', async (_what, named) => {
    used.server.metadata = { issuer: named === '/' ? `${used.server.issuer}/` : named };
    await expect(used.server.client.signInUrl('/')).rejects.toMatchObject({
      problem: { kind: 'invalid_answer' },
    });
  });

  it('is taken for an issuer that ends with a slash, as it is written (OpenID Connect Discovery §4.3)', async () => {
    used.server.issuer = `${used.server.issuer}/`;
    used.server.createClient();
    expect(await used.server.signIn()).toMatchObject({ ok: true });
  });

  it('is asked for again after it could not be had', async () => {
    used.server.metadata = { issuer: 'https://other.example' };
    await expect(used.server.client.signInUrl('/')).rejects.toThrow('invalid_answer');
    used.server.metadata = {};
    expect(await used.server.client.signInUrl('/')).toContain('/authorize?');
  });
});

describe('the authorization request', () => {
  it('asks for a code with PKCE S256 and names every resource (RFC 7636 §4.3, RFC 8707 §2.1)', async () => {
    const request = new URL(await used.server.client.signInUrl('/')).searchParams;
    expect(request.get('response_type')).toBe('code');
    expect(request.get('code_challenge_method')).toBe('S256');
    expect(request.getAll('resource')).toEqual([API, used.server.issuer]);
    expect(request.get('prompt')).toBeNull();
    expect(request.get('max_age')).toBeNull();
  });

  it.each([
    ['as old as that', NOW - 300, true],
    ['an hour old', NOW - 3600, false],
    ['of an unknown age', undefined, false],
  ])(
    'asks for a sign-in of a greatest age, and takes one %s: %s, %s (OpenID Connect Core §3.1.3.7 item 13)',
    async (_what, auth_time, isTaken) => {
      const outcome = await used.server.signIn({ options: { maxAgeSeconds: 300 }, idToken: { auth_time } });
      expect(used.server.request.get('max_age')).toBe('300');
      expect(outcome.ok).toBe(isTaken);
    },
  );

  it('shows nothing when it asks silently (OpenID Connect Core §3.1.2.1)', async () => {
    expect(new URL(await used.server.client.silentUrl()).searchParams.get('prompt')).toBe('none');
  });

  it('has a state and a nonce of its own each time', async () => {
    const [one, other] = [
      await used.server.client.signInUrl('/'),
      await used.server.client.signInUrl('/'),
    ].map((url) => new URL(url).searchParams);
    expect(one?.get('state')).not.toBe(other?.get('state'));
    expect(one?.get('nonce')).not.toBe(other?.get('nonce'));
  });
});

describe('the answer to it', () => {
  it('becomes tokens for the first resource, redeemed with that resource and the verifier', async () => {
    expect(await used.server.signIn()).toMatchObject({
      ok: true,
      returnTo: '/pay?from=a1',
      tokens: { subject: 'usr_1', accessToken: 'at-1', refreshToken: 'rt-1', resource: API },
    });
    expect(used.server.sent.getAll('resource')).toEqual([API]);
    expect(used.server.sent.get('code_verifier')).toMatch(/^[\w.~-]{43,}$/);
    expect(used.server.sent.has('scope')).toBe(false);
  });

  it('is taken for what stands beside the access token, not for what that says (RFC 9068 §6)', async () => {
    const accessToken = unsigned({ exp: 1, sub: 'usr_9', aud: 'http://elsewhere.test' });
    expect(await used.server.signIn({ body: { access_token: accessToken } })).toMatchObject({
      tokens: { accessToken, subject: 'usr_1', resource: API, expiresAt: NOW + 600 },
    });
  });

  it.each(BAD_ID_TOKENS)('is refused with an ID token %s', async (_what, idToken) => {
    expect(await used.server.signIn({ idToken })).toMatchObject({
      ok: false,
      problem: { kind: 'invalid_answer' },
    });
  });

  it.each([
    ['the nonce of another request (OpenID Connect Core §3.1.3.7 item 11)', { idToken: { nonce: 'other' } }],
    ['no nonce (OpenID Connect Core §3.1.3.7 item 11)', { idToken: { nonce: undefined } }],
    ['no ID token', { body: { id_token: undefined, scope: 'openid' } }],
    ['an ID token that is none', { body: { id_token: 'x.y.z' } }],
    ['an access token of another type (RFC 6749 §7.1)', { body: { token_type: 'DPoP' } }],
    ['no access token', { body: { access_token: undefined } }],
    ['the issuer of another server (RFC 9207 §2.4)', { callback: { iss: 'https://other.example' } }],
    ['no issuer although the metadata announces one (RFC 9207 §2.4)', { callback: { iss: undefined } }],
  ])('is refused with %s', async (_what, changes: Changes) => {
    expect(await used.server.signIn(changes)).toMatchObject({
      ok: false,
      problem: { kind: 'invalid_answer' },
      returnTo: '/pay?from=a1',
    });
  });

  it('needs no issuer where the metadata announces none (RFC 9207 §2.4)', async () => {
    used.server.metadata = { authorization_response_iss_parameter_supported: undefined };
    expect(await used.server.signIn({ callback: { iss: undefined } })).toMatchObject({ ok: true });
  });

  it.each([
    [{ name: 42 }, 'usr_1'],
    [{ name: {}, preferred_username: 'alice' }, 'alice'],
    [{ name: ' ' }, 'usr_1'],
    [{ name: 'Ali\u{202E}ce' }, 'Alice'],
  ])('names the user by a claim that is a text: %j is shown as %s', async (idToken, name) => {
    expect(await used.server.signIn({ idToken })).toMatchObject({ tokens: { name } });
  });

  it.each([
    ['fast by a day', DAY_SECONDS],
    ['slow by a day', -DAY_SECONDS],
    ['fast by twenty minutes', 1200],
  ])('is judged by the server’s time when the device’s clock is %s', async (_what, clockError) => {
    used.server.createClient({ clockError });
    const outcome = await used.server.signIn();
    expect(outcome).toMatchObject({ ok: true, tokens: { expiresAt: NOW + 600 } });
    expect(await used.server.signIn({ idToken: { exp: NOW - 600 } })).toMatchObject({ ok: false });
    expect(await used.server.signIn({ idToken: { iat: NOW + DAY_SECONDS } })).toMatchObject({ ok: false });
  });

  it('says nothing of an expiry that it does not tell', async () => {
    expect(await used.server.signIn({ body: { expires_in: undefined } })).toMatchObject({
      ok: true,
      tokens: { expiresAt: undefined },
    });
  });

  it('is redeemed once: the state is gone with it', async () => {
    const request = new URL(await used.server.client.signInUrl('/')).searchParams;
    const callback = `${REDIRECT_URI}?code=c&state=${request.get('state')}&iss=${encodeURIComponent(used.server.issuer)}`;
    used.server.answer = { status: 400, body: { error: 'invalid_grant' } };
    expect(await used.server.client.redeem(callback)).toMatchObject({
      problem: { kind: 'refused', code: 'invalid_grant' },
    });
    expect(await used.server.client.redeem(callback)).toEqual({
      ok: false,
      problem: { kind: 'nothing_to_finish' },
    });
  });

  it.each([
    ['a failure of the token endpoint', { status: 500, body: {} }, { kind: 'failed' }],
    ['a token endpoint that is not available', { status: 503 }, { kind: 'failed' }],
    [
      'a failure at the authorization endpoint',
      { callback: { code: undefined, error: 'temporarily_unavailable' } },
      { kind: 'failed', code: 'temporarily_unavailable' },
    ],
    [
      'a denial',
      { callback: { code: undefined, error: 'access_denied', error_description: 'not today' } },
      { kind: 'refused', code: 'access_denied', detail: 'not today' },
    ],
  ])('tells %s, and where the person was', async (_what, changes: Changes, problem) => {
    expect(await used.server.signIn(changes)).toMatchObject({ ok: false, problem, returnTo: '/pay?from=a1' });
  });

  it.each([
    ['does not begin', () => undefined],
    ['stalls within its body', (response: ServerResponse, body: string) => response.write(body.slice(0, 9))],
  ])('has one time limit for all of it, when it %s', async (_what, stall) => {
    used.server.createClient({ answerTimeoutMs: 300 });
    used.server.finish = stall;
    expect(await used.server.signIn()).toMatchObject({
      ok: false,
      problem: { kind: 'no_answer', timedOut: true },
    });
  });

  it('is none when the connection breaks within it', async () => {
    used.server.finish = (response, body) => {
      response.write(body.slice(0, 9));
      setImmediate(() => response.destroy());
    };
    expect(await used.server.signIn()).toMatchObject({ ok: false, problem: { kind: 'no_answer' } });
  });
});

describe('a refresh', () => {
  const GOOD = { access_token: 'at-2', token_type: 'Bearer', expires_in: 600 };
  const goodIdToken = () => ({
    iss: used.server.issuer,
    aud: 'web.client',
    sub: 'usr_1',
    exp: NOW + 600,
    iat: NOW,
  });

  async function refreshAfter(status: number, body: object) {
    const signedIn = await used.server.signIn();
    if (!signedIn.ok) throw new Error('the sign-in failed');
    used.server.answer = { status, body };
    return used.server.client.refresh(signedIn.tokens, used.server.issuer);
  }

  it('names one resource and no scope (RFC 8707 §2.2)', async () => {
    const outcome = await refreshAfter(200, { ...GOOD, refresh_token: 'rt-2' });
    expect(outcome).toMatchObject({
      ok: true,
      tokens: { accessToken: 'at-2', refreshToken: 'rt-2', resource: used.server.issuer, subject: 'usr_1' },
    });
    expect(Object.fromEntries(used.server.sent)).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'rt-1',
      resource: used.server.issuer,
      client_id: 'web.client',
    });
  });

  it('keeps no refresh token when none came with it', async () => {
    expect(await refreshAfter(200, GOOD)).toMatchObject({ ok: true, tokens: { refreshToken: undefined } });
  });

  it('takes a good ID token', async () => {
    const idToken = unsigned({ ...goodIdToken(), auth_time: NOW - 5 });
    expect(await refreshAfter(200, { ...GOOD, id_token: idToken })).toMatchObject({ ok: true });
  });

  it.each([
    ...BAD_ID_TOKENS,
    ['about another user (OpenID Connect Core §12.2)', { sub: 'usr_2' }],
    ['with another time of the sign-in (OpenID Connect Core §12.2)', { auth_time: NOW }],
    ['with another nonce (OpenID Connect Core §12.2)', { nonce: 'other' }],
  ] as const)('is refused with an ID token %s', async (_what, changes) => {
    const idToken = unsigned({ ...goodIdToken(), ...changes });
    expect(await refreshAfter(200, { ...GOOD, id_token: idToken })).toMatchObject({
      ok: false,
      problem: { kind: 'invalid_answer' },
    });
  });

  it.each([
    [400, { error: 'invalid_grant' }, 'refused'],
    [503, { error: 'temporarily_unavailable' }, 'failed'],
    [500, { error: 'server_error' }, 'failed'],
    [502, {}, 'failed'],
  ])('answered with %s %o is %s', async (status, body, kind) => {
    expect(await refreshAfter(status, body)).toMatchObject({ ok: false, problem: { kind } });
  });
});

describe('the return from a sign-out', () => {
  it('is confirmed by the state that this tab gave, once (OpenID Connect RP-Initiated Logout §3)', async () => {
    const state = new URL(await used.server.client.signOutUrl('id-token')).searchParams.get('state') ?? '';
    expect(used.server.client.returnFromSignOut(`http://web.test/?state=${state}`)).toBe('confirmed');
    expect(used.server.client.returnFromSignOut(`http://web.test/?state=${state}`)).toBeUndefined();
  });

  it.each(['http://web.test/', 'http://web.test/?state=forged'])('is not confirmed by %s', async (url) => {
    await used.server.client.signOutUrl('id-token');
    expect(used.server.client.returnFromSignOut(url)).toBe('unconfirmed');
  });

  it('is none when this tab has not left for a sign-out', () => {
    expect(used.server.client.returnFromSignOut('http://web.test/?state=forged')).toBeUndefined();
  });
});
