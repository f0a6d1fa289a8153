import { describe, expect, it } from 'vitest';
import { API, REDIRECT_URI } from '../support/authorization-server.ts';
import { claimsOf, EXPIRED_SECONDS, useTestTabs } from '../support/tabs.ts';
import { AuthorizationServerUnreachable } from '../../src/auth/session.ts';

const tabs = useTestTabs();

describe('signing in', () => {
  it('brings the user and the way back', async () => {
    const { session } = tabs.open();
    expect(await tabs.signIn(session, '/pay?from=a1')).toBe('/pay?from=a1');
    expect(session.state()).toEqual({
      status: 'signed_in',
      user: { subject: 'usr_1', name: 'Name of usr_1', email: undefined },
      endsAt: expect.any(Number) as unknown,
    });
  });

  it('gets a token for API1 with the code (RFC 8707 §2.2)', async () => {
    const { session } = await tabs.signedIn();
    expect(claimsOf(await session.accessToken(API))).toMatchObject({ aud: API, scope: 'api1', sub: 'usr_1' });
    expect(tabs.server.spent).toEqual([]);
  });

  it('leaves nothing in storage once it is done', async () => {
    const { stateStorage } = await tabs.signedIn();
    expect(Object.keys(stateStorage)).toEqual([]);
  });

  it('refuses an answer of another authorization server (RFC 9207 §2.4)', async () => {
    const { session } = tabs.open();
    const callback = new URL((await tabs.server.browser.follow(await session.signInUrl('/'))) ?? '');
    callback.searchParams.set('iss', 'https://attacker.example');
    await session.completeSignIn(callback.href);
    expect(session.state()).toMatchObject({ status: 'signed_out', cause: 'refused' });
  });

  it('refuses an answer without an issuer (RFC 9207 §2.4)', async () => {
    const { session } = tabs.open();
    const callback = new URL((await tabs.server.browser.follow(await session.signInUrl('/'))) ?? '');
    callback.searchParams.delete('iss');
    await session.completeSignIn(callback.href);
    expect(session.state()).toMatchObject({ status: 'signed_out', cause: 'refused' });
  });

  it('does not take an answer that it has not asked for (RFC 6749 §10.12)', async () => {
    const victim = tabs.open();
    const attacker = tabs.open();
    const callback = (await tabs.server.browser.follow(await attacker.session.signInUrl('/'))) ?? '';
    tabs.server.browser.forget();
    await victim.session.completeSignIn(callback);
    expect(victim.session.state()).toMatchObject({ status: 'signed_out' });
  });

  it('says that it was refused', async () => {
    const { session } = tabs.open();
    const answer = new URL((await tabs.server.browser.follow(await session.signInUrl('/'))) ?? '');
    const refused = new URLSearchParams({
      error: 'access_denied',
      error_description: 'not today',
      state: answer.searchParams.get('state') ?? '',
      iss: tabs.server.issuer,
    });
    await session.completeSignIn(`${REDIRECT_URI}?${refused}`);
    expect(session.state()).toEqual({ status: 'signed_out', cause: 'refused', detail: 'not today' });
  });

  it('survives a reload of the callback page', async () => {
    const { session } = tabs.open();
    const callback = (await tabs.server.browser.follow(await session.signInUrl('/'))) ?? '';
    await session.completeSignIn(callback);
    await session.completeSignIn(callback);
    expect(session.state()).toMatchObject({ status: 'signed_in' });
  });
});

describe('after a reload', () => {
  it('is signed in again, unseen, while the login session lives', async () => {
    await tabs.signedIn();
    const { session } = tabs.open();
    await session.restore();
    expect(session.state()).toMatchObject({ status: 'signed_in', user: { subject: 'usr_1' } });
  });

  it('is signed out when there is no login session', async () => {
    const { session } = tabs.open();
    await session.restore();
    expect(session.state()).toEqual({ status: 'signed_out', cause: 'nobody' });
  });

  it('does not take silence for a sign-out', async () => {
    await tabs.signedIn();
    const { session } = tabs.open();
    await tabs.server.stop();
    await session.restore();
    expect(session.state()).toEqual({ status: 'unreachable' });
  });

  it('hands out a token to whoever asked while it was restoring', async () => {
    await tabs.signedIn();
    const { session } = tabs.open();
    expect(claimsOf(await session.accessToken(API))).toMatchObject({ aud: API });
  });
});

describe('two audiences and one refresh token', () => {
  it('gives each API a token for itself alone', async () => {
    const { session } = await tabs.signedIn();
    expect(claimsOf(await session.accessToken(tabs.server.issuer))).toMatchObject({
      aud: tabs.server.issuer,
      scope: 'account',
    });
    expect(claimsOf(await session.accessToken(API))).toMatchObject({ aud: API, scope: 'api1' });
  });

  it('spends no refresh token twice when both run out and many calls ask at once (RFC 9700 §4.14.2)', async () => {
    const { session } = await tabs.signedIn();
    await session.accessToken(tabs.server.issuer);
    tabs.clock += EXPIRED_SECONDS;
    const asked = Array.from({ length: 20 }, (_, index) =>
      session.accessToken(index % 2 === 0 ? API : tabs.server.issuer),
    );
    const audiences = (await Promise.all(asked)).map((token) => claimsOf(token)['aud']);
    expect(new Set(audiences)).toEqual(new Set([API, tabs.server.issuer]));
    expect(new Set(tabs.server.spent).size).toBe(tabs.server.spent.length);
    expect(session.state()).toMatchObject({ status: 'signed_in' });
  });

  it('renews once for all the calls whose token an API has refused', async () => {
    const { session } = await tabs.signedIn();
    const rejected = await session.accessToken(API);
    const renewed = await Promise.all([1, 2, 3].map(() => session.accessToken(API, rejected)));
    expect(new Set(renewed).size).toBe(1);
    expect(renewed[0]).not.toBe(rejected);
    expect(tabs.server.spent).toHaveLength(1);
  });

  it('asks nobody while a token is good', async () => {
    const { session } = await tabs.signedIn();
    expect(await session.accessToken(API)).toBe(await session.accessToken(API));
    expect(tabs.server.spent).toEqual([]);
  });
});

describe('an answer that was lost', () => {
  it('leads through the authorization endpoint, and the refresh token is not sent again', async () => {
    const { session } = await tabs.signedIn();
    tabs.clock += EXPIRED_SECONDS;
    tabs.server.loseNextTokenAnswer();
    expect(claimsOf(await session.accessToken(API))).toMatchObject({ aud: API, sub: 'usr_1' });
    expect(tabs.server.spent).toHaveLength(1);
    tabs.clock += EXPIRED_SECONDS;
    await session.accessToken(API);
    expect(new Set(tabs.server.spent).size).toBe(tabs.server.spent.length);
  });

  it('leads there for the other audience as well', async () => {
    const { session } = await tabs.signedIn();
    tabs.server.loseNextTokenAnswer();
    expect(claimsOf(await session.accessToken(tabs.server.issuer))).toMatchObject({
      aud: tabs.server.issuer,
    });
    expect(new Set(tabs.server.spent).size).toBe(tabs.server.spent.length);
  });

  it('leaves nothing that could be sent again, even when the authorization endpoint does not answer either', async () => {
    const { session } = await tabs.signedIn();
    tabs.clock += EXPIRED_SECONDS;
    tabs.server.loseNextTokenAnswer();
    tabs.framesWork = false;
    await expect(session.accessToken(API)).rejects.toThrow(AuthorizationServerUnreachable);
    await expect(session.accessToken(API)).rejects.toThrow(AuthorizationServerUnreachable);
    expect(tabs.server.spent).toHaveLength(1);
    tabs.framesWork = true;
    expect(claimsOf(await session.accessToken(API))).toMatchObject({ aud: API });
  });

  it('signs nobody out while the authorization server is away', async () => {
    const { session } = await tabs.signedIn();
    tabs.clock += EXPIRED_SECONDS;
    await tabs.server.stop();
    await expect(session.accessToken(API)).rejects.toThrow(AuthorizationServerUnreachable);
    expect(session.state()).toMatchObject({ status: 'signed_in' });
  });
});
