import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  API,
  CLIENT_ID,
  REDIRECT_URI,
  startAuthorizationServer,
  type TestAuthorizationServer,
} from '../testing/authorization-server.ts';
import { MemoryStorage } from '../testing/memory-storage.ts';
import { createAuthorizationServer } from './authorization-server.ts';
import { AuthorizationServerUnreachable, Session, SessionEnded, type TabMessage } from './session.ts';

let server: TestAuthorizationServer;
let clock: number;
/** Whether a hidden frame gets through to the authorization server. */
let framesWork: boolean;

beforeEach(async () => {
  server = await startAuthorizationServer();
  clock = Math.floor(Date.now() / 1000);
  framesWork = true;
});

afterEach(() => server.stop());

/** One tab. Tabs share the browser's cookies and hear each other; everything else is the tab's own. */
function openTab(others: Session[] = []) {
  const stateStorage = new MemoryStorage();
  const said: TabMessage[] = [];
  const session = new Session({
    authorizationServer: createAuthorizationServer({
      issuer: server.issuer,
      clientId: CLIENT_ID,
      scope: 'openid profile offline_access api1 account',
      resources: [API, server.issuer],
      redirectUri: REDIRECT_URI,
      postLogoutRedirectUri: 'http://web.test/',
      stateStorage,
    }),
    askUnseen: async (url) => (framesWork ? server.browser.follow(url) : undefined),
    tellOtherTabs: (message) => {
      said.push(message);
      for (const other of others) other.hear(message);
    },
    now: () => clock,
  });
  return { session, said, stateStorage };
}

async function signIn(session: Session, returnTo = '/pay'): Promise<string> {
  const callback = await server.browser.follow(await session.signInUrl(returnTo));
  return session.completeSignIn(callback ?? '');
}

async function signedInTab() {
  const tab = openTab();
  await signIn(tab.session);
  return tab;
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
}

const EXPIRED_SECONDS = 590;

describe('signing in', () => {
  it('brings the user and the way back', async () => {
    const { session } = openTab();
    expect(await signIn(session, '/pay?from=a1')).toBe('/pay?from=a1');
    expect(session.state()).toEqual({
      status: 'signed_in',
      user: { subject: 'usr_1', name: 'Name of usr_1', email: undefined },
    });
  });

  it('gets a token for API1 with the code (RFC 8707 §2.2)', async () => {
    const { session } = await signedInTab();
    expect(claimsOf(await session.accessToken(API))).toMatchObject({ aud: API, scope: 'api1', sub: 'usr_1' });
    expect(server.spent).toEqual([]);
  });

  it('leaves nothing in storage once it is done', async () => {
    const { stateStorage } = await signedInTab();
    expect(Object.keys(stateStorage)).toEqual([]);
  });

  it('refuses an answer of another authorization server (RFC 9207 §2.4)', async () => {
    const { session } = openTab();
    const callback = new URL((await server.browser.follow(await session.signInUrl('/'))) ?? '');
    callback.searchParams.set('iss', 'https://attacker.example');
    await session.completeSignIn(callback.href);
    expect(session.state()).toMatchObject({ status: 'signed_out', cause: 'refused' });
  });

  it('refuses an answer without an issuer (RFC 9207 §2.4)', async () => {
    const { session } = openTab();
    const callback = new URL((await server.browser.follow(await session.signInUrl('/'))) ?? '');
    callback.searchParams.delete('iss');
    await session.completeSignIn(callback.href);
    expect(session.state()).toMatchObject({ status: 'signed_out', cause: 'refused' });
  });

  it('does not take an answer that it has not asked for (RFC 6749 §10.12)', async () => {
    const victim = openTab();
    const attacker = openTab();
    const callback = (await server.browser.follow(await attacker.session.signInUrl('/'))) ?? '';
    server.browser.forget();
    await victim.session.completeSignIn(callback);
    expect(victim.session.state()).toMatchObject({ status: 'signed_out' });
  });

  it('says that it was refused', async () => {
    const { session } = openTab();
    const answer = new URL((await server.browser.follow(await session.signInUrl('/'))) ?? '');
    const refused = new URLSearchParams({
      error: 'access_denied',
      error_description: 'not today',
      state: answer.searchParams.get('state') ?? '',
      iss: server.issuer,
    });
    await session.completeSignIn(`${REDIRECT_URI}?${refused}`);
    expect(session.state()).toEqual({ status: 'signed_out', cause: 'refused', detail: 'not today' });
  });

  it('survives a reload of the callback page', async () => {
    const { session } = openTab();
    const callback = (await server.browser.follow(await session.signInUrl('/'))) ?? '';
    await session.completeSignIn(callback);
    await session.completeSignIn(callback);
    expect(session.state()).toMatchObject({ status: 'signed_in' });
  });
});

describe('after a reload', () => {
  it('is signed in again, unseen, while the login session lives', async () => {
    await signedInTab();
    const { session } = openTab();
    await session.restore();
    expect(session.state()).toMatchObject({ status: 'signed_in', user: { subject: 'usr_1' } });
  });

  it('is signed out when there is no login session', async () => {
    const { session } = openTab();
    await session.restore();
    expect(session.state()).toEqual({ status: 'signed_out', cause: 'nobody' });
  });

  it('does not take silence for a sign-out', async () => {
    await signedInTab();
    const { session } = openTab();
    await server.stop();
    await session.restore();
    expect(session.state()).toEqual({ status: 'unreachable' });
  });

  it('hands out a token to whoever asked while it was restoring', async () => {
    await signedInTab();
    const { session } = openTab();
    expect(claimsOf(await session.accessToken(API))).toMatchObject({ aud: API });
  });
});

describe('two audiences and one refresh token', () => {
  it('gives each API a token for itself alone', async () => {
    const { session } = await signedInTab();
    expect(claimsOf(await session.accessToken(server.issuer))).toMatchObject({
      aud: server.issuer,
      scope: 'account',
    });
    expect(claimsOf(await session.accessToken(API))).toMatchObject({ aud: API, scope: 'api1' });
  });

  it('spends no refresh token twice when both run out and many calls ask at once (RFC 9700 §4.14.2)', async () => {
    const { session } = await signedInTab();
    await session.accessToken(server.issuer);
    clock += EXPIRED_SECONDS;
    const asked = Array.from({ length: 20 }, (_, index) =>
      session.accessToken(index % 2 === 0 ? API : server.issuer),
    );
    const audiences = (await Promise.all(asked)).map((token) => claimsOf(token)['aud']);
    expect(new Set(audiences)).toEqual(new Set([API, server.issuer]));
    expect(new Set(server.spent).size).toBe(server.spent.length);
    expect(session.state()).toMatchObject({ status: 'signed_in' });
  });

  it('renews once for all the calls whose token an API has refused', async () => {
    const { session } = await signedInTab();
    const rejected = await session.accessToken(API);
    const renewed = await Promise.all([1, 2, 3].map(() => session.accessToken(API, rejected)));
    expect(new Set(renewed).size).toBe(1);
    expect(renewed[0]).not.toBe(rejected);
    expect(server.spent).toHaveLength(1);
  });

  it('asks nobody while a token is good', async () => {
    const { session } = await signedInTab();
    expect(await session.accessToken(API)).toBe(await session.accessToken(API));
    expect(server.spent).toEqual([]);
  });
});

describe('an answer that was lost', () => {
  it('leads through the authorization endpoint, and the refresh token is not sent again', async () => {
    const { session } = await signedInTab();
    clock += EXPIRED_SECONDS;
    server.loseNextTokenAnswer();
    expect(claimsOf(await session.accessToken(API))).toMatchObject({ aud: API, sub: 'usr_1' });
    expect(server.spent).toHaveLength(1);
    clock += EXPIRED_SECONDS;
    await session.accessToken(API);
    expect(new Set(server.spent).size).toBe(server.spent.length);
  });

  it('leads there for the other audience as well', async () => {
    const { session } = await signedInTab();
    server.loseNextTokenAnswer();
    expect(claimsOf(await session.accessToken(server.issuer))).toMatchObject({ aud: server.issuer });
    expect(new Set(server.spent).size).toBe(server.spent.length);
  });

  it('leaves nothing that could be sent again, even when the authorization endpoint does not answer either', async () => {
    const { session } = await signedInTab();
    clock += EXPIRED_SECONDS;
    server.loseNextTokenAnswer();
    framesWork = false;
    await expect(session.accessToken(API)).rejects.toThrow(AuthorizationServerUnreachable);
    await expect(session.accessToken(API)).rejects.toThrow(AuthorizationServerUnreachable);
    expect(server.spent).toHaveLength(1);
    framesWork = true;
    expect(claimsOf(await session.accessToken(API))).toMatchObject({ aud: API });
  });

  it('signs nobody out while the authorization server is away', async () => {
    const { session } = await signedInTab();
    clock += EXPIRED_SECONDS;
    await server.stop();
    await expect(session.accessToken(API)).rejects.toThrow(AuthorizationServerUnreachable);
    expect(session.state()).toMatchObject({ status: 'signed_in' });
  });
});

describe('the end of a session', () => {
  it('is noticed at the next renewal', async () => {
    const { session } = await signedInTab();
    const rejected = await session.accessToken(API);
    server.browser.forget();
    server.loseNextTokenAnswer();
    await expect(session.accessToken(API, rejected)).rejects.toThrow(SessionEnded);
    expect(session.state()).toMatchObject({
      status: 'signed_out',
      cause: 'ended',
      user: { subject: 'usr_1' },
    });
  });

  it('leaves no token behind', async () => {
    const { session } = await signedInTab();
    session.completeSignOut();
    await expect(session.accessToken(API)).rejects.toThrow(SessionEnded);
  });

  it('is told to the other tabs', async () => {
    const other = await signedInTab();
    const { session } = openTab([other.session]);
    await session.restore();
    session.completeSignOut();
    expect(other.session.state()).toMatchObject({ status: 'signed_out', cause: 'other_tab' });
  });

  it('comes with an address that names the session by its ID token', async () => {
    const { session } = await signedInTab();
    const url = new URL(await session.signOutUrl());
    expect(claimsOf(url.searchParams.get('id_token_hint') ?? '')).toMatchObject({
      sub: 'usr_1',
      aud: CLIENT_ID,
    });
    expect(url.searchParams.get('post_logout_redirect_uri')).toBe('http://web.test/');
  });
});

describe('several tabs', () => {
  it('have tokens of their own, so that none can spend a refresh token of another', async () => {
    const first = await signedInTab();
    const second = openTab();
    await second.session.restore();
    clock += EXPIRED_SECONDS;
    await Promise.all([first.session.accessToken(API), second.session.accessToken(API)]);
    clock += EXPIRED_SECONDS;
    await Promise.all([first.session.accessToken(API), second.session.accessToken(API)]);
    expect(new Set(server.spent).size).toBe(4);
    expect(first.session.state()).toMatchObject({ status: 'signed_in' });
    expect(second.session.state()).toMatchObject({ status: 'signed_in' });
  });

  it('sign in together', async () => {
    const waiting = openTab();
    await waiting.session.restore();
    const { session } = openTab([waiting.session]);
    await signIn(session);
    await waiting.session.restore();
    expect(waiting.session.state()).toMatchObject({ status: 'signed_in', user: { subject: 'usr_1' } });
  });

  it('show nothing of one user once another has signed in', async () => {
    const tab = await signedInTab();
    const { session } = openTab([tab.session]);
    server.browser.forget();
    server.browser.signInAs('usr_2');
    await signIn(session);
    expect(tab.session.state()).toMatchObject({ status: 'signed_out', cause: 'other_user' });
  });

  it('never go on as another user, even when nobody told them', async () => {
    const { session } = await signedInTab();
    server.browser.forget();
    server.browser.signInAs('usr_2');
    await signIn(openTab().session);
    clock += EXPIRED_SECONDS;
    server.loseNextTokenAnswer();
    await expect(session.accessToken(API)).rejects.toThrow(SessionEnded);
    expect(session.state()).toMatchObject({ status: 'signed_out', cause: 'other_user' });
  });
});
