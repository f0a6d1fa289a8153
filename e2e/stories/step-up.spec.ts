import { ageSignIns } from '@behalf/scripts/system';
import type { Page } from '@playwright/test';
import { expectAccessible } from '../support/accessible.ts';
import { expect, test } from '../support/fixtures.ts';
import { balanceOf, fillSignIn, open, signIn } from '../support/person.ts';

const dialog = (page: Page) => page.getByRole('dialog', { name: 'Sign in again for this payment' });

let balance: number;

/** Ten minutes after her sign-in alice wants to pay 500.00. */
test.beforeEach(async ({ page, system }) => {
  await signIn(page, 'alice');
  ageSignIns(system, 600);
  await page.reload();
  balance = await balanceOf(page, 'Everyday account');
  await open(page, 'Pay');
  await page.getByLabel('To', { exact: true }).fill('acc_b1_everyday');
  await page.getByLabel('Amount').fill('500');
  await page.getByLabel('Reference').fill('Rent');
  await page.getByRole('main').getByRole('button', { name: 'Pay' }).click();
  await expect(dialog(page)).toBeVisible();
});

test('a large payment asks for a recent sign-in, comes back and is booked once (RFC 9470)', async ({
  page,
}) => {
  await expect(dialog(page)).toContainText('at most 5 minutes old');
  await expect(page.getByRole('button', { name: 'Not now' })).toBeFocused();
  await expectAccessible(page);
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Enter');
  await expect(page.getByLabel('User name')).toHaveValue('alice');
  await expect(page.getByLabel('Password')).toBeFocused();
  await page.keyboard.type('alice');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Payment booked')).toBeVisible();
  await expect(page.getByText('Rent')).toBeVisible();
  await page.getByRole('link', { name: 'See the balance' }).click();
  expect(await balanceOf(page, 'Everyday account')).toBe(balance - 50_000);
});

test('a sign-in that is cancelled books nothing and keeps what was typed', async ({ page }) => {
  await page.getByRole('button', { name: 'Sign in again' }).click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog(page)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog(page)).toHaveCount(0);
  await expect(page.getByLabel('Reference')).toHaveValue('Rent');
  await expect(page.getByLabel('Amount')).toHaveValue('500');
});

test('another person who signs in there gets nothing of the payment', async ({ page }) => {
  await page.getByRole('button', { name: 'Sign in again' }).click();
  await fillSignIn(page, 'bob', 'bob');
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByLabel('To', { exact: true })).toHaveValue('');
  await expect(page.getByLabel('Reference')).toHaveValue('');
  await expect(dialog(page)).toHaveCount(0);
  expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage }))).not.toContain('Rent');
});
