import type { Page } from '@playwright/test';
import { expect, test } from '../support/fixtures.ts';
import { open, signIn } from '../support/person.ts';

const takeBack = /^Take back: API1 at API2/;

const isFocusLost = (page: Page) => page.evaluate(() => document.activeElement === document.body);

test.describe('the focus', () => {
  test('begins at the harmless answer of a question and returns to where it was', async ({ page }) => {
    await signIn(page, 'alice');
    await open(page, 'Who acted for me');
    const button = page.getByRole('button', { name: takeBack }).first();
    await button.focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('dialog').getByRole('button', { name: 'Keep it' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await expect(button).toBeFocused();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await expect(button).toBeFocused();
  });

  test('goes to the session when the button that asked is gone', async ({ page }) => {
    await signIn(page, 'carol');
    await open(page, 'Who acted for me');
    const session = page.getByRole('article').filter({ hasText: 'this browser' });
    await session.getByRole('button', { name: takeBack }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await expect(session.getByRole('button', { name: takeBack })).toHaveCount(0);
    await expect(session.getByRole('heading', { level: 2 })).toBeFocused();
  });

  test('goes to the result of a payment, and never to the top of the window', async ({ page }) => {
    await signIn(page, 'alice');
    await open(page, 'Pay');
    await page.getByLabel('To', { exact: true }).fill('acc_b1_everyday');
    await page.getByLabel('Amount').fill('1');
    await page.getByLabel('Reference').fill('A coffee');
    await page.keyboard.press('Enter');
    await expect(page.getByText('Payment booked')).toBeVisible();
    await page.keyboard.press('Tab');
    await expect(page.getByRole('button', { name: 'Make another payment' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.getByLabel('Reference')).toHaveValue('');
    expect(await isFocusLost(page)).toBe(false);
  });

  test('stays on the page when a failure has passed', async ({ page, system }) => {
    await signIn(page, 'alice');
    await page.route(`${system.url.api1}/insights`, (route) => route.abort(), { times: 1 });
    await page.getByRole('link', { name: 'Insights' }).click();
    await page.getByRole('button', { name: 'Try again' }).focus();
    await page.keyboard.press('Enter');
    await expect(
      page.getByText('Average payment').or(page.getByText('You made no payment')).first(),
    ).toBeVisible();
    await expect(page.getByRole('heading', { level: 1, name: 'Insights' })).toBeFocused();
  });
});

test('the selected step and the current page can be told where colours are forced', async ({ page }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await signIn(page, 'alice');
  await open(page, 'What each service saw');
  const steps = page.getByRole('list', { name: 'Steps of the call' }).getByRole('button');
  const selected = page.getByRole('list', { name: 'Steps of the call' }).locator('[aria-pressed="true"]');
  await expect(selected).toHaveCSS('outline-style', 'solid');
  await expect(steps.first()).toHaveAttribute('aria-pressed', 'false');
  await expect(steps.first()).toHaveCSS('outline-style', 'none');
  const underline = (link: string) =>
    page
      .getByRole('navigation')
      .getByRole('link', { name: link })
      .evaluate((element) => getComputedStyle(element).borderBlockEndColor);
  expect(await underline('What each service saw')).not.toBe(await underline('Accounts'));
});
