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
    expect(session.state()).toMatchObject({ status: 'signed_out', cause: 'ended' });
  });

  it('leaves no token behind', async () => {
    const { session } = await tabs.signedIn();
    await session.completeSignOut(true);
    await expect(session.accessToken(API)).rejects.toThrow(SessionEnded);
  });

  it('is noticed when the session is looked at, silently', async () => {
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
    await session.completeSignOut(true);
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
    const renew = async ({ session }: typeof first) =>
      session.accessToken(API, await session.accessToken(API));
    await Promise.all([renew(first), renew(second)]);
    await Promise.all([renew(first), renew(second)]);
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

describe('the tab’s storage', () => {
  const KEY = 'payment';

  async function typedIn() {
    const tab = await tabs.signedIn();
    tab.userStorage.save('usr_1', KEY, { to: 'b1' });
    return { ...tab, kept: () => tab.userStorage.load('usr_1', KEY) };
  }

  it('loses what a user typed when they sign out in this tab, already on leaving', async () => {
    const { session, kept, stateStorage } = await typedIn();
    await session.signInUrl('/pay?from=acc_1');
    await session.signOutUrl();
    expect(kept()).toBeUndefined();
    expect(JSON.stringify({ ...stateStorage })).not.toContain('acc_1');
  });

  it('loses it when they sign out in another tab', async () => {
    const { session, kept } = await typedIn();
    session.hear({ type: 'signed_out' });
    expect(kept()).toBeUndefined();
  });

  it('loses it when somebody else has signed in, also where the session had ended before', async () => {
    const { session, kept } = await typedIn();
    tabs.server.browser.forget();
    await session.checkEnd();
    expect(session.state()).toMatchObject({ cause: 'ended' });
    expect(kept()).toEqual({ to: 'b1' });
    tabs.server.browser.signInAs('usr_2');
    tabs.framesWork = false;
    await tabs.signIn(tabs.open([session]).session);
    expect(kept()).toBeUndefined();
  });

  it('loses it when a page load finds somebody else signed in', async () => {
    const { kept, stateStorage } = await typedIn();
    tabs.server.browser.forget();
    tabs.server.browser.signInAs('usr_2');
    await tabs.signIn(tabs.open().session);
    const { session } = tabs.open([], stateStorage);
    await session.restore();
    expect(session.state()).toMatchObject({ user: { subject: 'usr_2' } });
    expect(kept()).toBeUndefined();
  });

  it('keeps it for the same user over a session that ended by itself', async () => {
    const { session, kept } = await typedIn();
    tabs.server.browser.forget();
    await session.checkEnd();
    await tabs.signIn(session);
    expect(kept()).toEqual({ to: 'b1' });
  });
});

describe('leaving for a sign-out', () => {
  it('signs out the other tabs at once, because not every sign-out comes back', async () => {
    const other = await tabs.signedIn();
    const { session } = tabs.open([other.session]);
    await session.restore();
    await session.signOutUrl();
    expect(other.session.state()).toMatchObject({ status: 'signed_out', cause: 'other_tab' });
  });

  it('changes nothing when there is no address to leave for', async () => {
    const other = await tabs.signedIn();
    const { session, said } = tabs.open([other.session]);
    await expect(session.signOutUrl()).rejects.toThrow(SessionEnded);
    expect(said).toEqual([]);
    expect(other.session.state()).toMatchObject({ status: 'signed_in' });
  });

  it('is told on the return although no state came with it, when the login session is gone', async () => {
    const { session } = await tabs.signedIn();
    tabs.server.browser.forget();
    await session.completeSignOut(false);
    expect(session.state()).toMatchObject({ status: 'signed_out', cause: 'signed_out' });
  });

  it('is told to nobody on the return when the person stayed signed in', async () => {
    const { session, said } = await tabs.signedIn();
    await session.completeSignOut(false);
    expect(session.state()).toMatchObject({ status: 'signed_in' });
    expect(said).not.toContainEqual({ type: 'signed_out' });
  });
});
