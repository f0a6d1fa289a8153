import type { Page } from '@playwright/test';
import { expect, test } from '../support/fixtures.ts';
import { open, signIn, signOut } from '../support/person.ts';

/** The services that acted in the session of this browser, which stands first. */
const tree = (page: Page) => page.getByRole('list', { name: 'Who acted' }).first();
const takeBackApi1 = /^Take back: API1 at API2/;

async function openList(page: Page): Promise<void> {
  await open(page, 'Who acted for me');
  await expect(tree(page)).toBeVisible();
}

test.describe('who acted for me', () => {
  test('is a tree: who acts where, for what, and on whose behalf', async ({ page }) => {
    await signIn(page, 'alice');
    await open(page, 'What each service saw');
    await expect(page.getByRole('list', { name: 'Steps of the call' })).toBeVisible();
    await openList(page);
    await expect(tree(page)).toContainText(/API1\s*acts at\s*API2/);
    const below = tree(page).getByRole('list', { name: 'On behalf of API1' });
    await expect(below).toContainText(/API2\s*acts at\s*Subscriptions/);
    await expect(below).toContainText('may read a subscription');
    await expect(below).toContainText('live');
  });

  test('what ends with a service lights up before it is taken back', async ({ page }) => {
    await signIn(page, 'alice');
    await open(page, 'What each service saw');
    await expect(page.getByRole('list', { name: 'Steps of the call' })).toBeVisible();
    await openList(page);
    await page.getByRole('button', { name: takeBackApi1 }).first().focus();
    await expect(tree(page).getByText('would end')).toHaveCount(2);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('dialog')).toContainText(
      'API1 at API2, and through it API2 at Subscriptions',
    );
    await page.keyboard.press('Escape');
  });

  test('a step of a call leads to its token in the tree', async ({ page }) => {
    await signIn(page, 'alice');
    await open(page, 'What each service saw');
    await page.getByRole('link', { name: /This token under/ }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Who acted for me' })).toBeVisible();
    const jti = new URL(page.url()).hash.slice(1);
    await expect(page.getByText(jti, { exact: true })).toBeVisible();
  });

  test('a refusal is told in words, once for each kind', async ({ page }) => {
    await signIn(page, 'bob');
    await open(page, 'Insights');
    await expect(page.getByRole('heading', { name: 'This needs an active subscription' })).toBeVisible();
    await openList(page);
    const refused = page.getByRole('list', { name: 'Refused' }).first().getByRole('listitem');
    await expect(refused.filter({ hasText: 'you have no active subscription' })).toHaveCount(1);
    await expect(refused.first()).toContainText('To read the premium report');
  });

  test('says in which browser each session was begun, and ends the one that was meant', async ({
    page,
    browser,
  }) => {
    const telephone = await browser.newContext({
      userAgent:
        'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
    });
    const elsewhere = await telephone.newPage();
    await signIn(elsewhere, 'alice');
    await signIn(page, 'alice');
    await openList(page);
    const sessions = page.getByRole('list', { name: 'Sessions' }).locator('> li');
    await expect(sessions.filter({ hasText: 'this browser' })).toContainText(/Chrome on/);
    const meant = sessions.filter({ hasText: 'Safari on iPhone' });
    await meant.getByRole('button', { name: /^End the session: Safari on iPhone/ }).click();
    await expect(page.getByRole('dialog')).toContainText('Safari on iPhone');
    await page.getByRole('dialog').getByRole('button', { name: 'End it' }).click();
    await expect(meant).toHaveCount(0);
    await elsewhere.getByRole('link', { name: 'Who acted for me' }).click();
    await expect(elsewhere.getByRole('heading', { level: 1, name: 'Your session has ended' })).toBeVisible();
    await telephone.close();
  });

  test('what is taken back is refused in the very next call, until the next sign-in', async ({ page }) => {
    await signIn(page, 'carol');
    await openList(page);
    await page.getByRole('button', { name: takeBackApi1 }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
    await expect(page.getByText(/60 seconds at most/)).toBeVisible();
    await page.getByRole('button', { name: 'Try it again' }).click();
    await expect(page.getByText(/Refused, as it should be/)).toBeVisible();
    const steps = page.getByRole('list', { name: 'Steps of the call' }).getByRole('button');
    await expect(steps.filter({ hasText: 'API1 → Token service' })).toContainText('400');
    await expect(tree(page).getByText('blocked by you').first()).toBeVisible();

    await open(page, 'Accounts');
    await expect(page.getByText('Your accounts could not be loaded')).toBeVisible();
    await expect(page.getByText(/^Below is what was loaded at/)).toBeVisible();
    await signOut(page);
    await signIn(page, 'carol');
    await expect(page.getByRole('list', { name: 'Your accounts' })).toBeVisible();
  });

  test('nothing is taken back without a yes', async ({ page }) => {
    await signIn(page, 'alice');
    await openList(page);
    await page.getByRole('button', { name: 'Take all back' }).click();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await expect(page.getByRole('button', { name: takeBackApi1 }).first()).toBeVisible();
  });

  test('what was typed into a payment outlives a session that is ended elsewhere', async ({
    page,
    browser,
    baseURL,
  }) => {
    await signIn(page, 'alice');
    await open(page, 'Pay');
    await page.getByLabel('To', { exact: true }).fill('acc_b1_everyday');
    await page.getByLabel('Amount').fill('3.21');
    await page.getByLabel('Reference').fill('Typed before the session ended');

    const elsewhere = await browser.newContext(baseURL === undefined ? {} : { baseURL });
    const other = await elsewhere.newPage();
    await signIn(other, 'alice');
    await openList(other);
    // The newest two are these two: this one, and the one on the other device.
    await other
      .getByRole('button', { name: /^End the session/ })
      .nth(1)
      .click();
    await other.getByRole('dialog').getByRole('button', { name: 'End it' }).click();
    await expect(other.getByRole('dialog')).toHaveCount(0);
    await expect(other.getByText('could not be ended')).toHaveCount(0);

    await page.getByRole('main').getByRole('button', { name: 'Pay' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Your session has ended' })).toBeVisible();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('User name').fill('alice');
    await page.getByLabel('Password').fill('alice');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Pay' })).toBeVisible();
    await expect(page.getByLabel('Amount')).toHaveValue('3.21');
    await expect(page.getByLabel('Reference')).toHaveValue('Typed before the session ended');
    await page.getByRole('main').getByRole('button', { name: 'Pay' }).click();
    await expect(page.getByText('Payment booked')).toBeVisible();
    await elsewhere.close();
  });

  test('signing out in one tab signs out the other, and nothing that was typed is kept', async ({
    page,
    context,
  }) => {
    await signIn(page, 'alice');
    await open(page, 'Pay');
    await page.getByLabel('Reference').fill('Half a payment');
    const second = await context.newPage();
    await second.goto('/accounts');
    await expect(second.getByRole('heading', { level: 1, name: 'Accounts' })).toBeVisible();
    await signOut(second);
    await expect(
      page.getByRole('heading', { level: 1, name: 'You signed out in another tab' }),
    ).toBeVisible();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('User name').fill('alice');
    await page.getByLabel('Password').fill('alice');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByLabel('Reference')).toHaveValue('');
  });
});
