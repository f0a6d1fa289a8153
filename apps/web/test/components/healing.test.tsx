// @vitest-environment happy-dom
import { cleanup, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, expect, it } from 'vitest';
import { ApiError } from '../../src/api/api-client.ts';
import { Announcements } from '../../src/components/announcements.tsx';
import { pauseSeconds } from '../../src/components/healing.ts';
import { AccountsPage } from '../../src/pages/accounts.tsx';
import { createSession, renderWith } from '../support/rendered.tsx';
import { startHttpServices, type Answer, type HttpServices } from '../support/services.ts';

let services: HttpServices | undefined;
afterEach(async () => {
  cleanup();
  await services?.close();
});

const ACCOUNTS = { accounts: [{ id: 'a1', name: 'Everyday', currency: 'EUR', balance: '1.00' }] };
const AWAY: Answer = { status: 503, body: { type: 'about:blank' } };

/** The accounts page with answers that are given in turn, the last one again and again. */
async function show(answers: Answer[], pausesSeconds: readonly number[], slowAfterMs = 60_000) {
  services = await startHttpServices(() => (answers.length > 1 ? answers.shift() : answers[0]) ?? AWAY);
  const session = createSession();
  await session.restore();
  const page = (
    <>
      <AccountsPage />
      <Announcements />
    </>
  );
  renderWith(page, session, services.url, { pausesSeconds, slowAfterMs });
}

it('loads again by itself what failed and may pass', async () => {
  await show([AWAY, AWAY, AWAY, { body: ACCOUNTS }], [0]);
  expect(await screen.findByText('Everyday')).toBeTruthy();
  expect(screen.queryByRole('alert')).toBeNull();
});

it('says meanwhile what failed, and offers to try again at once', async () => {
  await show([AWAY, { body: ACCOUNTS }], [600]);
  expect(await screen.findByText(/not available at the moment/)).toBeTruthy();
  expect(screen.getByText(/also tries again by itself/)).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(await screen.findByText('Everyday')).toBeTruthy();
});

it('loads again at once when the device is online again', async () => {
  await show([AWAY, { body: ACCOUNTS }], [600]);
  await screen.findByRole('alert');
  window.dispatchEvent(new Event('online'));
  expect(await screen.findByText('Everyday')).toBeTruthy();
});

it('does not ask again after a refusal', async () => {
  await show([{ status: 403, body: { reason: 'policy' } }], [0]);
  expect(await screen.findByText(/was given no token/)).toBeTruthy();
  expect(screen.queryByText(/tries again by itself/)).toBeNull();
  expect(services?.asked).toHaveLength(1);
});

it('says that an answer takes long, and no more once it is there', async () => {
  let answer: (body: unknown) => void = () => undefined;
  const body = new Promise((resolve) => (answer = resolve));
  await show([{ body }], [600], 20);
  expect(await screen.findByText(/This takes longer than usual/)).toBeTruthy();
  answer(ACCOUNTS);
  expect(await screen.findByText('Everyday')).toBeTruthy();
  expect(screen.queryByText(/This takes longer than usual/)).toBeNull();
});

it('waits longer after each failure, as long as a service asks, and never longer than a minute', () => {
  const asksFor = (seconds: number) =>
    new ApiError(new Response(null, { status: 503, headers: { 'Retry-After': `${seconds}` } }), {});
  const pauses = [2, 4, 8];
  expect([1, 2, 3, 4].map((times) => pauseSeconds(times, undefined, pauses))).toEqual([2, 4, 8, 8]);
  expect(pauseSeconds(1, asksFor(5), pauses)).toBe(5);
  expect(pauseSeconds(1, asksFor(86_400), pauses)).toBe(60);
});
