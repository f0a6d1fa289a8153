import { expect, test } from '../support/fixtures.ts';
import { fillSignIn } from '../support/person.ts';

const FAILURES_BEFORE_A_PAUSE = 10;

test.describe('signing in', () => {
  test('a wrong password and an unknown name get the same answer', async ({ page }) => {
    await page.goto('/');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await fillSignIn(page, 'carol', 'wrong');
    const refusal = page.getByText('This user name and password do not fit');
    await expect(refusal).toBeVisible();
    const known = await page.getByRole('main').innerText();
    await fillSignIn(page, 'nobody-of-that-name', 'wrong');
    await expect(refusal).toBeVisible();
    expect(await page.getByRole('main').innerText()).toBe(known);
  });

  test('after ten failures it says how long to wait', async ({ page }) => {
    await page.goto('/');
    await page.getByRole('button', { name: 'Sign in' }).click();
    for (let failure = 0; failure < FAILURES_BEFORE_A_PAUSE; failure++) {
      await fillSignIn(page, 'a-name-to-try', `guess ${failure}`);
      await expect(page.getByLabel('Password')).toHaveValue('');
    }
    await fillSignIn(page, 'a-name-to-try', 'one more');
    await expect(page.getByText('Too many attempts')).toBeVisible();
    await expect(page.getByText(/Try again in \d+ (seconds?|minutes)/)).toBeVisible();
  });

  test('works with the keyboard alone', async ({ page }) => {
    await page.goto('/');
    const button = page.getByRole('button', { name: 'Sign in' });
    await expect(button).toBeVisible();
    for (let presses = 0; presses < 20; presses++) {
      await page.keyboard.press('Tab');
      if (await button.evaluate((element) => element === document.activeElement)) break;
    }
    await page.keyboard.press('Enter');
    await expect(page.getByLabel('User name')).toBeFocused();
    await page.keyboard.type('alice');
    await page.keyboard.press('Tab');
    await page.keyboard.type('alice');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { level: 1, name: /in two minutes/ })).toBeVisible();
  });

  test("the STS's pages need no JavaScript", async ({ browser, system }) => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    const authorize = new URL(`${system.url.sts}/connect/authorize`);
    authorize.search = new URLSearchParams({
      client_id: 'web.client',
      response_type: 'code',
      redirect_uri: `${system.url.web}/callback`,
      scope: 'openid',
      state: 'state',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    }).toString();
    await page.goto(authorize.href);
    await fillSignIn(page, 'alice', 'alice');
    await expect(page).toHaveURL(new RegExp(`^${system.url.web}/callback\\?.*code=`));
    await context.close();
  });
});
