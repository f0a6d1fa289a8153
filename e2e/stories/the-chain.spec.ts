import { expect, test } from '../support/fixtures.ts';
import { balanceOf, open, signIn, signOut } from '../support/person.ts';

test.describe('the chain, from a browser to the back end', () => {
  test('alice pays bob, sees who acted for her, and leaves nothing to the next person', async ({ page }) => {
    await signIn(page, 'alice');
    await expect(page.getByRole('listitem').filter({ hasText: 'Savings' })).toBeVisible();
    const before = await balanceOf(page, 'Everyday account');

    await open(page, 'Pay');
    await page.getByLabel('From').selectOption({ index: 0 });
    await page.getByLabel('To', { exact: true }).fill('acc_b1_everyday');
    await page.getByLabel('Amount').fill('12.50');
    await page.getByLabel('Reference').fill('Two coffees');
    await page.getByRole('main').getByRole('button', { name: 'Pay' }).click();
    await expect(page.getByText('Payment booked')).toBeVisible();

    await open(page, 'Accounts');
    await expect.poll(() => balanceOf(page, 'Everyday account')).toBe(before - 1250);

    await open(page, 'What each service saw');
    const actor = page.getByRole('heading', { level: 3, name: /^act\b/ });
    await expect(actor).toContainText('added');
    await expect(actor.locator('xpath=..')).toContainText('api1.client');
    await expect(page.getByRole('heading', { level: 3, name: /^sub\b/ })).toContainText('kept');
    await expect(page.getByRole('heading', { level: 3, name: /^aud\b/ })).toContainText('changed');

    await signOut(page);
    await signIn(page, 'bob');
    await expect(page.getByRole('listitem').filter({ hasText: 'Dollar account' })).toBeVisible();
    await expect(page.getByText('Savings')).toHaveCount(0);
    await expect(page.getByText('acc_a1_everyday')).toHaveCount(0);
  });

  test("API2 refuses alice's own token and takes the delegated one", async ({ page }) => {
    await signIn(page, 'alice');
    await open(page, 'Experiments');
    const experiment = page.getByRole('article', { name: /forward the token/i });
    await experiment.getByRole('radio').nth(1).check();
    await experiment.getByRole('button', { name: 'Try it' }).click();
    await expect(experiment.getByText('401', { exact: true }).first()).toBeVisible();
    await expect(experiment.getByText('200', { exact: true }).first()).toBeVisible();
    await expect(experiment.getByText('as the rule says', { exact: true }).first()).toBeVisible();
  });

  test('no token is kept in localStorage, sessionStorage or a cookie that scripts can read', async ({
    page,
  }) => {
    await signIn(page, 'alice');
    const kept = await page.evaluate(() =>
      [...Object.values({ ...localStorage }), ...Object.values({ ...sessionStorage }), document.cookie].join(
        '\n',
      ),
    );
    expect(kept).not.toMatch(/eyJ/);
  });

  test('a reload keeps the session', async ({ page }) => {
    await signIn(page, 'alice');
    await page.reload();
    await expect(page.getByRole('heading', { level: 1, name: 'Accounts' })).toBeVisible();
    await expect(page.getByRole('listitem').filter({ hasText: 'Savings' })).toBeVisible();
  });
});
