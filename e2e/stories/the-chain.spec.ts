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
    const main = page.getByRole('main');
    await expect(main.getByText('act', { exact: true }).first()).toBeVisible();
    await expect(main.getByText(/api1\.client/).first()).toBeVisible();

    await signOut(page);
    await signIn(page, 'bob');
    await expect(page.getByRole('listitem').filter({ hasText: 'Dollar account' })).toBeVisible();
    await expect(page.getByText('Savings')).toHaveCount(0);
    await expect(page.getByText('acc_a1_everyday')).toHaveCount(0);
  });

  test("API2 refuses alice's own token and takes the delegated one", async ({ page }) => {
    await signIn(page, 'alice');
    await open(page, 'Experiments');
    await page
      .getByRole('main')
      .getByRole('button', { name: /forward/i })
      .first()
      .click();
    await expect(
      page
        .getByRole('main')
        .getByText(/\b401\b/)
        .first(),
    ).toBeVisible();
    await expect(
      page
        .getByRole('main')
        .getByText(/\b200\b/)
        .first(),
    ).toBeVisible();
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
