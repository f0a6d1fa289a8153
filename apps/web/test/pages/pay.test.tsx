// @vitest-environment happy-dom
import { cleanup, screen, waitFor } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import PayPage from '../../src/pages/pay.tsx';
import { createSession, NOW, renderSignedIn } from '../support/rendered.tsx';
import { startHttpServices, type HttpServices } from '../support/services.ts';

let services: HttpServices;
let isRecent: boolean;

const CHALLENGE = 'Bearer error="insufficient_user_authentication", max_age="300"';

beforeEach(async () => {
  sessionStorage.clear();
  isRecent = false;
  const accounts = [{ id: 'acc_1', name: 'Everyday', currency: 'EUR', balance: '4000.00' }];
  services = await startHttpServices((route) => {
    if (route === 'GET /accounts') return { body: { accounts } };
    return isRecent
      ? { status: 201, body: { id: 'pay_1', status: 'booked' } }
      : { status: 401, challenge: CHALLENGE, body: { max_age: 300 } };
  });
});

afterEach(async () => {
  cleanup();
  await services.close();
});

const payments = () => services.asked.filter(({ route }) => route === 'POST /payments');
const show = (signedInAt?: number) =>
  renderSignedIn(<PayPage />, services.url, createSession(signedInAt === undefined ? {} : { signedInAt }));
const dialog = () => screen.findByRole('dialog', { name: 'Sign in again for this payment' });
const fieldsShown = () =>
  ['To', 'Amount', 'Reference'].map((label) => screen.getByLabelText<HTMLInputElement>(label).value);

async function payLarge(): Promise<void> {
  await show();
  await userEvent.type(await screen.findByLabelText('To'), 'acc_2');
  await userEvent.type(screen.getByLabelText('Amount'), '500');
  await userEvent.type(screen.getByLabelText('Reference'), 'Rent');
  await userEvent.click(screen.getByRole('button', { name: 'Pay' }));
  await dialog();
}

describe('a payment that wants a recent sign-in (RFC 9470)', () => {
  it('says so, with the focus on the harmless answer, which leads back to what was typed', async () => {
    await payLarge();
    expect(screen.getByText(/at most 5 minutes old/)).toBeTruthy();
    expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Not now' }));
    await userEvent.keyboard('{Enter}');
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(fieldsShown()).toEqual(['acc_2', '500', 'Rent']);
  });

  it('leaves for a sign-in that is at most so old', async () => {
    await payLarge();
    await userEvent.click(screen.getByRole('button', { name: 'Sign in again' }));
    await waitFor(() => expect(location.hash).toContain('#sign-in300:'));
  });

  it('is sent again by itself, under the same key, once there has been one', async () => {
    await payLarge();
    cleanup();
    isRecent = true;
    await show(NOW - 5);
    expect(await screen.findByText('Payment booked')).toBeTruthy();
    const [first, second, ...more] = payments();
    expect(second?.idempotencyKey).toBe(first?.idempotencyKey);
    expect([first?.idempotencyKey?.length, more.length]).toEqual([36, 0]);
  });

  it.each([
    ['was cancelled', undefined],
    ['is as old as before', NOW - 301],
  ])('is asked about again, and not sent, when the sign-in %s', async (_what, signedInAt) => {
    await payLarge();
    cleanup();
    await show(signedInAt);
    await dialog();
    expect(fieldsShown()).toEqual(['acc_2', '500', 'Rent']);
    expect(payments()).toHaveLength(1);
  });

  it('is not sent twice when the bank still wants a recent sign-in', async () => {
    await payLarge();
    cleanup();
    await show(NOW - 5);
    await waitFor(() => expect(payments()).toHaveLength(2));
    await dialog();
    expect(payments()).toHaveLength(2);
  });
});
