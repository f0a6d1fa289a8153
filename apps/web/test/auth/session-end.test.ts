import { describe, expect, it } from 'vitest';
import { API, CLIENT_ID, SESSION_SECONDS } from '../support/authorization-server.ts';
import { claimsOf, EXPIRED_SECONDS, useTestTabs } from '../support/tabs.ts';
import { SessionEnded, type Session } from '../../src/auth/session.ts';

const tabs = useTestTabs();

function endOf(session: Session): number {
  const state = session.state();
  return (state.status === 'signed_in' ? state.endsAt : undefined) ?? Number.NaN;
}

describe('the end of a session', () => {
  it('is told ahead, and anew by each renewal', async () => {
    const { session } = await tabs.signedIn();
    const first = endOf(session);
    expect(first - tabs.clock).toBeGreaterThanOrEqual(SESSION_SECONDS);
    tabs.server.shortenSessions(1000);
    await session.accessToken(API, await session.accessToken(API));
    expect(endOf(session)).toBeLessThan(first);
  });

  it('is noticed at the next renewal', async () => {
    const { session } = await tabs.signedIn();
    const rejected = await session.accessToken(API);
    tabs.server.browser.forget();
    tabs.server.loseNextTokenAnswer();
    await expect(session.accessToken(API, rejected)).rejects.toThrow(SessionEnded);
    expect(session.state()).toMatchObject({
      status: 'signed_out',
      cause: 'ended',
      user: { subject: 'usr_1' },
    });
  });

  it('leaves no token behind', async () => {
    const { session } = await tabs.signedIn();
    session.completeSignOut();
    await expect(session.accessToken(API)).rejects.toThrow(SessionEnded);
  });

  it('is noticed when the session is looked at, unseen', async () => {
    const { session } = await tabs.signedIn();
    tabs.server.browser.forget();
    await session.checkEnd();
    expect(session.state()).toMatchObject({ status: 'signed_out', cause: 'ended' });
  });

  it('is not taken for come when the authorization server does not answer', async () => {
    const { session } = await tabs.signedIn();
    await tabs.server.stop();
    await session.checkEnd();
    expect(session.state()).toMatchObject({ status: 'signed_in' });
  });

  it('is put off in all tabs by a sign-in in one', async () => {
    const other = await tabs.signedIn();
    tabs.server.shortenSessions(1000);
    await other.session.accessToken(API, await other.session.accessToken(API));
    const soon = endOf(other.session);
    tabs.server.shortenSessions(0);
    const { session } = tabs.open([other.session]);
    await tabs.signIn(session);
    await other.session.checkEnd();
    expect(endOf(other.session)).toBeGreaterThan(soon);
  });

  it('is told to the other tabs', async () => {
    const other = await tabs.signedIn();
    const { session } = tabs.open([other.session]);
    await session.restore();
    session.completeSignOut();
    expect(other.session.state()).toMatchObject({ status: 'signed_out', cause: 'other_tab' });
  });

  it('comes with an address that names the session by its ID token', async () => {
    const { session } = await tabs.signedIn();
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
    const first = await tabs.signedIn();
    const second = tabs.open();
    await second.session.restore();
    tabs.clock += EXPIRED_SECONDS;
    await Promise.all([first.session.accessToken(API), second.session.accessToken(API)]);
    tabs.clock += EXPIRED_SECONDS;
    await Promise.all([first.session.accessToken(API), second.session.accessToken(API)]);
    expect(new Set(tabs.server.spent).size).toBe(4);
    expect(first.session.state()).toMatchObject({ status: 'signed_in' });
    expect(second.session.state()).toMatchObject({ status: 'signed_in' });
  });

  it('sign in together', async () => {
    const waiting = tabs.open();
    await waiting.session.restore();
    const { session } = tabs.open([waiting.session]);
    await tabs.signIn(session);
    await waiting.session.restore();
    expect(waiting.session.state()).toMatchObject({ status: 'signed_in', user: { subject: 'usr_1' } });
  });

  it('show nothing of one user once another has signed in', async () => {
    const tab = await tabs.signedIn();
    const { session } = tabs.open([tab.session]);
    tabs.server.browser.forget();
    tabs.server.browser.signInAs('usr_2');
    await tabs.signIn(session);
    expect(tab.session.state()).toMatchObject({ status: 'signed_out', cause: 'other_user' });
  });

  it('never go on as another user, even when nobody told them', async () => {
    const { session } = await tabs.signedIn();
    tabs.server.browser.forget();
    tabs.server.browser.signInAs('usr_2');
    await tabs.signIn(tabs.open().session);
    tabs.clock += EXPIRED_SECONDS;
    tabs.server.loseNextTokenAnswer();
    await expect(session.accessToken(API)).rejects.toThrow(SessionEnded);
    expect(session.state()).toMatchObject({ status: 'signed_out', cause: 'other_user' });
  });
});
