// @vitest-environment happy-dom
import { act, cleanup, screen, waitFor } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { useSessionState } from '../../src/auth/session-context.tsx';
import type { SignInProblem } from '../../src/auth/sign-in-problem.ts';
import { createSession, NOW, renderSignedIn, type SessionParts } from '../support/rendered.tsx';
import { Announcements } from '../../src/components/announcements.tsx';

let clock: number;
beforeEach(() => (clock = NOW));
afterEach(cleanup);

const HOUR_SECONDS = 3600;
const MINUTE_SECONDS = 60;

async function show(parts: SessionParts) {
  const session = createSession({ now: () => clock, ...parts });
  await renderSignedIn(<Page />, 'http://127.0.0.1:9', session);
  return session;
}

function Page() {
  return (
    <>
      <h1>{useSessionState().status}</h1>
      <Announcements />
    </>
  );
}

const said = () => document.querySelector('[aria-live]')?.textContent;

/** The person comes back to the window after some time. */
const comeBackAfter = (seconds: number) =>
  act(async () => {
    clock += seconds;
    document.dispatchEvent(new Event('visibilitychange'));
  });

it('says nothing while there is time, and nothing when the server does not say', async () => {
  await show({ endsAt: () => NOW + HOUR_SECONDS });
  await comeBackAfter(HOUR_SECONDS - 5 * MINUTE_SECONDS - 1);
  expect(said()).toBe('');
  cleanup();
  await show({});
  await comeBackAfter(24 * HOUR_SECONDS);
  expect(said()).toBe('');
});

it('says five minutes ahead when the session ends', async () => {
  await show({ endsAt: () => NOW + HOUR_SECONDS });
  await comeBackAfter(HOUR_SECONDS - 5 * MINUTE_SECONDS);
  const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' }).format((NOW + HOUR_SECONDS) * 1000);
  expect(said()).toContain(`Your session ends at ${time}.`);
});

it('leads to a sign-in though the session lives, and back to this page (prompt=login)', async () => {
  history.replaceState(null, '', '/pay?from=a1');
  await show({ endsAt: () => NOW + MINUTE_SECONDS });
  await userEvent.click(screen.getByRole('button', { name: 'Sign in again' }));
  await waitFor(() => expect(location.hash).toBe('#sign-in-again:/pay?from=a1'));
});

it('goes away when another tab has prolonged the session', async () => {
  let endsAt = NOW + MINUTE_SECONDS;
  const session = await show({ endsAt: () => endsAt });
  expect(screen.getByRole('button', { name: 'Sign in again' })).toBeTruthy();
  endsAt = NOW + HOUR_SECONDS;
  await act(async () => session.hear({ type: 'signed_in', subject: 'usr_alice' }));
  await waitFor(() => expect(said()).toBe(''));
});

it('asks when the end has come, and ends what is over', async () => {
  let problem: SignInProblem | undefined;
  await show({ endsAt: () => NOW + MINUTE_SECONDS, problem: () => problem });
  problem = { kind: 'refused', code: 'login_required' };
  await comeBackAfter(MINUTE_SECONDS);
  await waitFor(() => expect(screen.getByRole('heading').textContent).toBe('signed_out'));
});

it.each([
  [20 * MINUTE_SECONDS, '20 minutes fast'],
  [-20 * MINUTE_SECONDS, '20 minutes slow'],
  [3 * HOUR_SECONDS, '3 hours fast'],
  [72 * HOUR_SECONDS, '3 days fast'],
])('names the clock of a device that is wrong by %i s: %s', async (error, words) => {
  await show({ now: () => NOW + error, serverNow: () => NOW });
  expect(said()).toContain(`The clock of this device is ${words}.`);
  await userEvent.click(screen.getByRole('button', { name: 'Close' }));
  expect(said()).toBe('');
});

it('says nothing of a clock that is wrong by a minute', async () => {
  await show({ now: () => NOW + MINUTE_SECONDS, serverNow: () => NOW });
  expect(said()).toBe('');
});
