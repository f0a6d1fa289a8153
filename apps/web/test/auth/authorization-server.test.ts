import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStorage } from '../support/memory-storage.ts';
import { createAuthorizationServer, type AuthorizationServer } from '../../src/auth/authorization-server.ts';

const API = 'http://api1.test';
const REDIRECT_URI = 'http://web.test/callback';

let server: Server;
let issuer: string;
let client: AuthorizationServer;
/** What the token endpoint answers next, and what it was last sent. */
let answer: { status: number; body: unknown };
let sent: URLSearchParams;

beforeEach(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const isToken = request.url === '/token';
      if (isToken) sent = new URLSearchParams(Buffer.concat(chunks).toString());
      response.writeHead(isToken ? answer.status : 200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(isToken ? answer.body : metadata()));
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = createAuthorizationServer({
    issuer,
    clientId: 'web.client',
    scope: 'openid api1 account',
    resources: [API, issuer],
    redirectUri: REDIRECT_URI,
    postLogoutRedirectUri: 'http://web.test/',
    stateStorage: new MemoryStorage(),
  });
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function metadata() {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    end_session_endpoint: `${issuer}/end`,
  };
}

const unsigned = (claims: object) =>
  ['{"alg":"ES256"}', JSON.stringify(claims), 'x']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');

const now = () => Math.floor(Date.now() / 1000);

/** A whole sign-in in which the token endpoint gives a good answer, but for `changes`. */
async function signIn(changes: { idToken?: object; body?: object } = {}) {
  const request = new URL(await client.signInUrl('/pay')).searchParams;
  const idToken = {
    iss: issuer,
    aud: 'web.client',
    sub: 'usr_1',
    exp: now() + 600,
    nonce: request.get('nonce'),
    ...changes.idToken,
  };
  answer = {
    status: 200,
    body: {
      access_token: 'at-1',
      token_type: 'Bearer',
      expires_in: 600,
      refresh_token: 'rt-1',
      id_token: unsigned(idToken),
      ...changes.body,
    },
  };
  const callback = new URLSearchParams({ code: 'c', state: request.get('state') ?? '', iss: issuer });
  return client.redeem(`${REDIRECT_URI}?${callback}`);
}

describe('the authorization request', () => {
  it('asks for a code with PKCE S256 and names every resource (RFC 7636 §4.3, RFC 8707 §2.1)', async () => {
    const request = new URL(await client.signInUrl('/')).searchParams;
    expect(request.get('response_type')).toBe('code');
    expect(request.get('code_challenge_method')).toBe('S256');
    expect(request.getAll('resource')).toEqual([API, issuer]);
    expect(request.get('prompt')).toBeNull();
  });

  it('shows nothing when it asks unseen (OpenID Connect Core §3.1.2.1)', async () => {
    expect(new URL(await client.unseenUrl()).searchParams.get('prompt')).toBe('none');
  });

  it('has a state and a nonce of its own each time', async () => {
    const [one, other] = [await client.signInUrl('/'), await client.signInUrl('/')].map(
      (url) => new URL(url).searchParams,
    );
    expect(one?.get('state')).not.toBe(other?.get('state'));
    expect(one?.get('nonce')).not.toBe(other?.get('nonce'));
  });
});

describe('the answer to it', () => {
  it('becomes tokens for the first resource, redeemed with that resource and the verifier', async () => {
    expect(await signIn()).toMatchObject({
      ok: true,
      tokens: {
        subject: 'usr_1',
        accessToken: 'at-1',
        refreshToken: 'rt-1',
        resource: API,
        returnTo: '/pay',
      },
    });
    expect(sent.getAll('resource')).toEqual([API]);
    expect(sent.get('code_verifier')).toMatch(/^[\w.~-]{43,}$/);
    expect(sent.has('scope')).toBe(false);
  });

  it('is taken for what stands beside the access token, not for what that says (RFC 9068 §6)', async () => {
    const accessToken = unsigned({ exp: 1, sub: 'usr_9', aud: 'http://elsewhere.test' });
    const outcome = await signIn({ body: { access_token: accessToken } });
    if (!outcome.ok) throw new Error('the sign-in failed');
    expect(outcome.tokens).toMatchObject({ accessToken, subject: 'usr_1', resource: API });
    expect(outcome.tokens.expiresAt).toBeGreaterThan(now() + 500);
  });

  it.each([
    ['of another issuer', '§3.1.3.7 item 2', { idToken: { iss: 'https://other.example' } }],
    ['for another client', '§3.1.3.7 item 3', { idToken: { aud: 'other.client' } }],
    ['for a list without this client', '§3.1.3.7 item 3', { idToken: { aud: ['a', 'b'] } }],
    ['that has expired', '§3.1.3.7 item 9', { idToken: { exp: 1 } }],
  ])('is refused with an ID token %s (OpenID Connect Core %s)', async (_what, _section, changes) => {
    expect(await signIn(changes)).toMatchObject({
      ok: false,
      fault: 'refused',
      error: 'unacceptable_answer',
    });
  });

  it.each([
    ['the nonce of another request (OpenID Connect Core §3.1.3.7 item 11)', { idToken: { nonce: 'other' } }],
    ['an ID token without a subject', { idToken: { sub: undefined } }],
    ['no ID token', { body: { id_token: undefined, scope: 'openid' } }],
    ['an access token of another type (RFC 6749 §7.1)', { body: { token_type: 'DPoP' } }],
    ['no access token', { body: { access_token: undefined } }],
  ])('signs nobody in with %s', async (_what, changes) => {
    expect(await signIn(changes)).toMatchObject({ ok: false });
  });

  it('is redeemed once: the state is gone with it', async () => {
    const request = new URL(await client.signInUrl('/')).searchParams;
    const callback = `${REDIRECT_URI}?code=c&state=${request.get('state')}&iss=${encodeURIComponent(issuer)}`;
    answer = { status: 400, body: { error: 'invalid_grant' } };
    expect(await client.redeem(callback)).toMatchObject({ fault: 'refused', error: 'invalid_grant' });
    expect(await client.redeem(callback)).toEqual({ ok: false, fault: 'lost' });
  });
});

describe('a refresh', () => {
  async function refreshAfter(status: number, body: object) {
    const signedIn = await signIn();
    if (!signedIn.ok) throw new Error('the sign-in failed');
    answer = { status, body };
    return client.refresh(signedIn.tokens, issuer);
  }

  it('names one resource and no scope (RFC 8707 §2.2)', async () => {
    const outcome = await refreshAfter(200, {
      access_token: 'at-2',
      token_type: 'Bearer',
      expires_in: 600,
      refresh_token: 'rt-2',
    });
    expect(outcome).toMatchObject({
      ok: true,
      tokens: { accessToken: 'at-2', refreshToken: 'rt-2', resource: issuer, subject: 'usr_1' },
    });
    expect(Object.fromEntries(sent)).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'rt-1',
      resource: issuer,
      client_id: 'web.client',
    });
  });

  it('keeps no refresh token when none came with it', async () => {
    const outcome = await refreshAfter(200, { access_token: 'at-2', token_type: 'Bearer', expires_in: 600 });
    expect(outcome).toMatchObject({ ok: true, tokens: { refreshToken: undefined } });
  });

  it('never changes the user (OpenID Connect Core §12.2)', async () => {
    const idToken = unsigned({ iss: issuer, aud: 'web.client', sub: 'usr_2', exp: now() + 600 });
    expect(
      await refreshAfter(200, { access_token: 'at-2', token_type: 'Bearer', id_token: idToken }),
    ).toMatchObject({ ok: false });
  });

  it.each([
    [400, { error: 'invalid_grant' }, 'refused'],
    [503, { error: 'temporarily_unavailable' }, 'lost'],
    [500, { error: 'server_error' }, 'lost'],
    [502, {}, 'lost'],
  ])('answered with %s %o is %s', async (status, body, fault) => {
    expect(await refreshAfter(status, body)).toMatchObject({ ok: false, fault });
  });
});

describe('the return from a sign-out', () => {
  it('is known by the state that this tab gave (OpenID Connect RP-Initiated Logout §3)', async () => {
    const state = new URL(await client.signOutUrl('id-token')).searchParams.get('state') ?? '';
    expect(await client.isReturnFromSignOut(`http://web.test/?state=${state}`)).toBe(true);
    expect(await client.isReturnFromSignOut(`http://web.test/?state=${state}`)).toBe(false);
  });

  it.each(['http://web.test/', 'http://web.test/?state=forged'])('is not %s', async (url) => {
    expect(await client.isReturnFromSignOut(url)).toBe(false);
  });
});
