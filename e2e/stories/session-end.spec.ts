import { expectAccessible } from '../support/accessible.ts';
import { expect, test } from '../support/fixtures.ts';
import { open, signIn } from '../support/person.ts';

const SHORTLY_BEFORE_THE_END = '07:56:00';

test.describe('shortly before the session ends', () => {
  test.beforeEach(async ({ page }) => {
    await page.clock.install();
    await signIn(page, 'alice');
    await open(page, 'Pay');
    await expect(page.getByText(/^Your session ends at/)).toHaveCount(0);
    await page.getByLabel('To', { exact: true }).fill('acc_b1_everyday');
    await page.getByLabel('Reference').fill('Half a sentence');
  });

  test('it is said, and a new sign-in comes back to the page and what was typed (prompt=login)', async ({
    page,
  }) => {
    await page.clock.fastForward(SHORTLY_BEFORE_THE_END);
    await expect(page.getByText(/^Your session ends at \d/)).toBeVisible();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Sign in again' }).click();
    await expect(page.getByLabel('User name')).toHaveValue('alice');
    await expect(page.getByLabel('Password')).toBeFocused();
    await page.keyboard.type('alice');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { level: 1, name: 'Pay' })).toBeVisible();
    await expect(page.getByLabel('To', { exact: true })).toHaveValue('acc_b1_everyday');
    await expect(page.getByLabel('Reference')).toHaveValue('Half a sentence');
    await expect(page.getByText(/^Your session ends at/)).toHaveCount(0);
  });

  test('nothing moves when it is said, and nothing is covered at the end of the page', async ({ page }) => {
    const field = page.getByLabel('Reference');
    const before = await field.boundingBox();
    await page.clock.fastForward(SHORTLY_BEFORE_THE_END);
    const announcement = page.getByText(/^Your session ends at/);
    await expect(announcement).toBeVisible();
    expect(await field.boundingBox()).toEqual(before);
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    const footer = await page.getByText('Nothing here is real money').boundingBox();
    const said = await announcement.boundingBox();
    expect((footer?.y ?? Infinity) + (footer?.height ?? 0)).toBeLessThanOrEqual(said?.y ?? 0);
  });
});
