import { expectAccessible, expectNoSidewaysScrolling } from '../support/accessible.ts';
import { expect, test } from '../support/fixtures.ts';
import { open, signIn, signOut } from '../support/person.ts';

/** Not only each page as it opens, but what it becomes: results, refusals, faults, questions. */
test.describe('accessibility of what comes later', () => {
  test('axe finds nothing in a payment with faults, and in one that is booked', async ({ page }) => {
    await signIn(page, 'alice');
    await open(page, 'Pay');
    const pay = page.getByRole('main').getByRole('button', { name: 'Pay' });
    await pay.click();
    await expect(page.getByText('Enter the account to pay to.')).toBeVisible();
    await expectAccessible(page);
    await page.getByLabel('To', { exact: true }).fill('acc_b1_everyday');
    await page.getByLabel('Amount').fill('1');
    await page.getByLabel('Reference').fill('A coffee');
    await pay.click();
    await expect(page.getByText('Payment booked')).toBeVisible();
    await expectAccessible(page);
  });

  test('axe finds nothing in a refused call and in every experiment with its steps', async ({ page }) => {
    await signIn(page, 'bob');
    await open(page, 'What each service saw');
    await page.getByLabel('Call', { exact: true }).selectOption('forwarded-token');
    await expect(page.getByText('401 invalid_token').first()).toBeVisible();
    await expectAccessible(page);
    await open(page, 'Experiments');
    const choice = page.getByRole('navigation', { name: 'Experiments' }).getByRole('button');
    for (let index = 0; index < (await choice.count()); index++) {
      await choice.nth(index).click();
      await page.getByRole('article').getByRole('radio').first().check();
      await page.getByRole('article').getByRole('button', { name: 'Try it' }).click();
      await expect(page.getByRole('article').getByText('What happened')).toBeVisible();
      if (index % 3 === 0) await expectAccessible(page);
    }
    await page.getByRole('button', { name: 'Sign in again' }).click();
    await expect(page.getByLabel('User name')).toBeVisible();
    await page.goto('/insights');
    await expect(page.getByRole('heading', { level: 1, name: 'Sign in to see this page' })).toBeVisible();
    await expectAccessible(page);
  });

  test('axe finds nothing while a question is asked, and after it was answered', async ({ page }) => {
    await signIn(page, 'carol');
    await open(page, 'Insights');
    await expect(page.getByRole('heading', { name: 'This needs an active subscription' })).toBeVisible();
    await expectAccessible(page);
    await open(page, 'Who acted for me');
    await page
      .getByRole('button', { name: /^Take back: API1 at API2/ })
      .first()
      .click();
    await expect(page.getByRole('dialog')).toBeVisible();
    await expectAccessible(page);
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
    await page.getByRole('button', { name: 'Try it again' }).click();
    await expect(page.getByText(/Refused, as it should be/)).toBeVisible();
    await expectAccessible(page);
    await signOut(page);
    await expectAccessible(page);
    await page.goto('/nowhere');
    await expect(page.getByRole('heading', { level: 1, name: 'There is no such page' })).toBeVisible();
    await expectAccessible(page);
  });

  test('nothing scrolls sideways from right to left', async ({ page }) => {
    await page.addInitScript(() =>
      document.addEventListener('DOMContentLoaded', () => {
        document.documentElement.dir = 'rtl';
      }),
    );
    await signIn(page, 'alice');
    for (const name of [
      'What each service saw',
      'Who may act',
      'Experiments',
      'Insights',
      'Who acted for me',
      'Pay',
    ]) {
      await open(page, name);
      await expect(page.getByText(/^Loading/)).toHaveCount(0);
      await expectNoSidewaysScrolling(page);
    }
  });
});
