import { describe, expect, it } from 'vitest';
import { API, REDIRECT_URI } from '../support/authorization-server.ts';
import { claimsOf, EXPIRED_SECONDS, useTestTabs } from '../support/tabs.ts';
import type { Session } from '../../src/auth/session.ts';
import { SignInServiceError } from '../../src/auth/sign-in-problem.ts';

const tabs = useTestTabs();

describe('signing in', () => {
  it('brings the user and the way back', async () => {
    const { session } = tabs.open();
    expect(await tabs.signIn(session, '/pay?from=a1')).toBe('/pay?from=a1');
    expect(session.state()).toEqual({
      status: 'signed_in',
      user: { subject: 'usr_1', name: 'Name of usr_1' },
      endsAt: expect.any(Number) as unknown,
      problem: undefined,
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
    tabs.server.browser.forget();
    callback.searchParams.set('iss', 'https://attacker.example');
    await session.completeSignIn(callback.href);
    expect(session.state()).toMatchObject({
      status: 'signed_out',
      cause: 'failed',
      problem: { kind: 'invalid_answer' },
    });
  });

  it('refuses an answer without an issuer (RFC 9207 §2.4)', async () => {
    const { session } = tabs.open();
    const callback = new URL((await tabs.server.browser.follow(await session.signInUrl('/'))) ?? '');
    tabs.server.browser.forget();
    callback.searchParams.delete('iss');
    await session.completeSignIn(callback.href);
    expect(session.state()).toMatchObject({
      status: 'signed_out',
      cause: 'failed',
      problem: { kind: 'invalid_answer' },
    });
  });

  it('does not take an answer that it has not asked for (RFC 6749 §10.12)', async () => {
    const victim = tabs.open();
    const attacker = tabs.open();
    const callback = (await tabs.server.browser.follow(await attacker.session.signInUrl('/'))) ?? '';
    tabs.server.browser.forget();
    await victim.session.completeSignIn(callback);
    expect(victim.session.state()).toMatchObject({ status: 'signed_out' });
  });

  /** The callback address with an error in place of the code. */
  async function deny(session: Session, returnTo: string): Promise<string> {
    const answer = new URL((await tabs.server.browser.follow(await session.signInUrl(returnTo))) ?? '');
    const refused = new URLSearchParams({
      error: 'access_denied',
      error_description: 'not today',
      state: answer.searchParams.get('state') ?? '',
      iss: tabs.server.issuer,
    });
    return `${REDIRECT_URI}?${refused}`;
  }

  const DENIED = { kind: 'refused', code: 'access_denied', detail: 'not today' };

  it('tells a denial, and goes back to where the person was', async () => {
    const { session } = tabs.open();
    const callback = await deny(session, '/pay?from=x');
    tabs.server.browser.forget();
    expect(await session.completeSignIn(callback)).toBe('/pay?from=x');
    expect(session.state()).toMatchObject({ status: 'signed_out', cause: 'failed', problem: DENIED });
  });

  it('keeps the session that was there before a denial, and tells it until it is read', async () => {
    const { session } = tabs.open();
    await session.completeSignIn(await deny(session, '/pay'));
    expect(session.state()).toMatchObject({ status: 'signed_in', problem: DENIED });
    session.dismissProblem();
    expect(session.state()).toMatchObject({ status: 'signed_in', problem: undefined });
  });

  it('that was not begun finishes nothing: the login session is restored, and it is told', async () => {
    await tabs.signedIn();
    const { session } = tabs.open();
    expect(await session.completeSignIn(REDIRECT_URI)).toBe('/accounts');
    expect(session.state()).toMatchObject({
      status: 'signed_in',
      user: { subject: 'usr_1' },
      problem: { kind: 'nothing_to_finish' },
    });
    tabs.server.browser.forget();
    expect(await session.completeSignIn(REDIRECT_URI)).toBe('/');
    expect(session.state()).toMatchObject({ status: 'signed_out', problem: { kind: 'nothing_to_finish' } });
  });

  it('whose answer is lost is told as an outage, and the login is found by asking again', async () => {
    const { session } = tabs.open();
    const callback = await tabs.server.browser.follow(await session.signInUrl('/pay'));
    tabs.server.loseNextTokenAnswer();
    expect(await session.completeSignIn(callback ?? '')).toBe('/pay');
    expect(session.state()).toEqual({ status: 'unavailable', problem: { kind: 'no_answer' } });
    const asked = session.restore();
    expect(session.state()).toMatchObject({ status: 'unavailable' });
    await asked;
    expect(session.state()).toMatchObject({ status: 'signed_in', user: { subject: 'usr_1' } });
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
  it('is signed in again, silently, while the login session lives', async () => {
    await tabs.signedIn();
    const { session } = tabs.open();
    await session.restore();
    expect(session.state()).toMatchObject({ status: 'signed_in', user: { subject: 'usr_1' } });
  });

  it('is signed out when there is no login session', async () => {
    const { session } = tabs.open();
    await session.restore();
    expect(session.state()).toMatchObject({ status: 'signed_out', cause: 'nobody' });
  });

  it('does not take silence for a sign-out', async () => {
    await tabs.signedIn();
    const { session } = tabs.open();
    await tabs.server.stop();
    await session.restore();
    expect(session.state()).toEqual({ status: 'unavailable', problem: { kind: 'no_answer' } });
  });

  it('hands out a token that was asked for while it was restoring', async () => {
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
    await session.accessToken(API, await session.accessToken(API));
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
    await expect(session.accessToken(API)).rejects.toThrow(SignInServiceError);
    await expect(session.accessToken(API)).rejects.toThrow(SignInServiceError);
    expect(tabs.server.spent).toHaveLength(1);
    tabs.framesWork = true;
    expect(claimsOf(await session.accessToken(API))).toMatchObject({ aud: API });
  });

  it('signs nobody out while the authorization server is away', async () => {
    const { session } = await tabs.signedIn();
    tabs.clock += EXPIRED_SECONDS;
    await tabs.server.stop();
    await expect(session.accessToken(API)).rejects.toThrow(SignInServiceError);
    expect(session.state()).toMatchObject({ status: 'signed_in' });
  });
});

describe('a device whose clock is wrong', () => {
  it.each([
    ['a day fast', 86_400],
    ['twenty minutes fast', 1200],
    ['a day slow', -86_400],
  ])('signs in and renews, and the difference is known: %s', async (_what, error) => {
    const right = tabs.clock;
    tabs.clock += error;
    tabs.clockError = error;
    const { session, clock } = await tabs.signedIn();
    expect(session.state()).toMatchObject({ status: 'signed_in' });
    expect(clock.offsetSeconds()).toBe(-error);
    expect(clock.now()).toBe(right);
    expect(await session.accessToken(API)).toBe(await session.accessToken(API));
    expect(tabs.server.spent).toEqual([]);
  });

  it('that jumps ahead during the session renews once and goes on', async () => {
    tabs.clockError = 0;
    const { session, clock } = await tabs.signedIn();
    tabs.clock += 1200;
    tabs.clockError = 1200;
    expect(claimsOf(await session.accessToken(API))).toMatchObject({ aud: API });
    expect(clock.offsetSeconds()).toBe(-1200);
    expect(session.state()).toMatchObject({ status: 'signed_in' });
    await session.accessToken(API);
    expect(tabs.server.spent).toHaveLength(1);
  });
});
