import { expectAccessible } from '../support/accessible.ts';
import { expect, test } from '../support/fixtures.ts';
import { open, signIn } from '../support/person.ts';

test('the policy answers who may act where, by the function that decides about real exchanges', async ({
  page,
}) => {
  await signIn(page, 'alice');
  await open(page, 'Who may act');
  const rows = page.getByRole('table', { name: 'Rows of the policy' }).getByRole('row');
  await expect(page.getByText('Yes: row 1 allows it')).toBeVisible();
  await expect(rows.nth(1)).toContainText('allows it');

  await page.getByRole('button', { name: 'API2 at Subscriptions, on behalf of API1' }).click();
  await expect(page.getByText(/^Yes: row \d allows it/)).toBeVisible();
  await expect(page.getByText(/API2\s*acts for\s*API1\s*acts for\s*Alice/).first()).toBeVisible();

  await page.getByLabel('used so far by').selectOption('the person alone');
  await page.getByLabel('of the service').selectOption('API1');
  await expect(page.getByText('No', { exact: true })).toBeVisible();
  await expect(page.getByText(/This client may not exchange such a token/).first()).toBeVisible();
  await expectAccessible(page);
});

test('for dave nobody here may act, because his tokens say so (RFC 8693 §4.4)', async ({ page }) => {
  await signIn(page, 'alice');
  await open(page, 'Who may act');
  await expect(page.getByText('Yes: row 1 allows it')).toBeVisible();
  await page.getByLabel('of the person').selectOption('Dave');
  await expect(page.getByText(/its claim may_act names another client/).first()).toBeVisible();
  await page.getByText('The function that decides').click();
  await expect(page.getByText(/^packages\/auth\/src\/actor-chain\.ts:/)).toBeVisible();
});
