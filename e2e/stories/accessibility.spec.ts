import { expectAccessible } from '../support/accessible.ts';
import { expect, test } from '../support/fixtures.ts';
import { fillSignIn, open, signIn } from '../support/person.ts';

const PAGES = [
  'Accounts',
  'Pay',
  'What each service saw',
  'Who may act',
  'Experiments',
  'Insights',
  'Agent',
  'Who acted for me',
] as const;

test('axe finds nothing on any page of the client (WCAG 2.2 AA)', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await expectAccessible(page);
  await signIn(page, 'alice');
  for (const name of PAGES) {
    await open(page, name);
    await expect(page.getByText(/^Loading/)).toHaveCount(0);
    await expectAccessible(page);
  }
});

test("axe finds nothing on the STS's pages (WCAG 2.2 AA)", async ({ page }) => {
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByLabel('User name')).toBeVisible();
  await expectAccessible(page);
  await fillSignIn(page, 'alice', 'wrong');
  await expect(page.getByText('do not fit')).toBeVisible();
  await expectAccessible(page);
});
