import type { Page } from '@playwright/test';
import { expectAccessible } from '../support/accessible.ts';
import { expect, test } from '../support/fixtures.ts';
import { fillSignIn, type UserName } from '../support/person.ts';

const TITLE = 'Acting for you, in two minutes';
const steps = (page: Page) => page.getByRole('list', { name: 'Steps of the call' }).getByRole('button');
const tokens = (page: Page) =>
  page.getByRole('list', { name: 'The tokens of this call' }).getByRole('listitem');

async function start(page: Page, user: UserName): Promise<void> {
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await fillSignIn(page, user, user);
  await expect(page.getByRole('heading', { level: 1, name: TITLE })).toBeVisible();
}

test.describe('two minutes after the sign-in', () => {
  test('a visitor watches a fresh call, breaks the rule, stops the service, and comes back to the place', async ({
    page,
  }) => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await start(page, 'alice');
    // Nothing plays by itself for somebody who does not want motion.
    await expect(page.getByText('Step 1 of 7')).toBeVisible();
    await expect(steps(page)).toHaveCount(1);
    await page.getByRole('button', { name: 'Next step' }).click();
    await expect(steps(page)).toHaveCount(2);
    await expect(page.getByText(/That name stands in a claim called act/)).toBeVisible();
    await expect(tokens(page)).toHaveCount(2);
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect(tokens(page)).toHaveCount(3);
    await expect(
      page.getByText(/^API2 is calling Subscriptions, on behalf of API1, for Alice Adler/),
    ).toBeVisible();
    await expectAccessible(page);

    await page.getByRole('button', { name: 'Next: break it' }).click();
    await page.getByRole('radio', { name: /It answers/ }).check();
    await page.getByRole('button', { name: 'Forward it' }).click();
    await expect(page.getByText('It went another way.')).toBeVisible();
    await expect(steps(page).filter({ hasText: '401 invalid_token' })).toHaveCount(1);
    await page.getByRole('button', { name: 'See the harm' }).click();
    await expect(
      page.getByText('Alice Adler read the accounts of Alice Adler', { exact: true }),
    ).toBeVisible();
    await expect(
      page.getByText('API1, acting for Alice Adler, read the accounts of Alice Adler'),
    ).toBeVisible();
    await expectAccessible(page);

    await page.getByRole('button', { name: 'Next: stop it' }).click();
    await page.reload();
    await expect(page.getByRole('button', { name: /Stop/ })).toHaveAttribute('aria-current', 'step');
    await expect(page.getByRole('button', { name: /Watch.*done/ })).toBeVisible();
    await page.getByRole('button', { name: 'Let it keep a copy' }).click();
    await expect(page.getByRole('timer')).toHaveText(/^[45]:\d\d$/);
    await page.getByRole('button', { name: 'Take it back' }).click();
    await page.getByRole('button', { name: 'Let API1 use the copy' }).click();
    const found = page.getByRole('listitem');
    await expect(found.filter({ hasText: 'checks offline' })).toContainText('200');
    await expect(found.filter({ hasText: 'asks the token service' })).toContainText('401');
    await expect(found.filter({ hasText: 'one more token' })).toContainText('invalid_target');
    await expectAccessible(page);
  });

  test('the call plays by itself, can be paused with the keyboard, and the path can be skipped', async ({
    page,
  }) => {
    await start(page, 'bob');
    await expect(page.getByText('Step 2 of 7')).toBeVisible();
    await page.getByRole('button', { name: 'Pause' }).focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('button', { name: 'Play' })).toBeFocused();
    await page.getByRole('link', { name: 'Skip this' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Accounts' })).toBeVisible();
  });
});
