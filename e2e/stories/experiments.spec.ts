import { experiment, tryIt } from '../support/experiments.ts';
import { expect, test } from '../support/fixtures.ts';
import { fillSignIn, open, signIn } from '../support/person.ts';
import { userToken } from '../support/tokens.ts';

test.describe('trying what must not work', () => {
  test.beforeEach(async ({ page }) => {
    await signIn(page, 'alice');
    await open(page, 'Experiments');
  });

  for (const [what, title, status, code, words] of [
    ['one scope too many', /one scope too many/, '400', 'invalid_scope', /outside what the policy allows/],
    [
      'a token meant for someone else',
      /meant for someone else/,
      '400',
      'invalid_grant',
      /may not exchange the token/,
    ],
    ['an actor of another chain', /splice two chains/i, '400', 'invalid_request', /actor token/i],
  ] as const) {
    test(`the token service refuses ${what} with ${code} (RFC 8693 §2.2.2)`, async ({ page }) => {
      const article = await tryIt(page, title);
      await expect(article.getByRole('listitem').filter({ hasText: code }).first()).toContainText(status);
      await expect(article.getByText(words).first()).toBeVisible();
      const steps = article.getByRole('list', { name: 'Steps of the call' }).getByRole('button');
      await expect(steps.filter({ hasText: `${status} ${code}` })).toHaveCount(1);
    });
  }

  test('the browser itself keeps this page from API2, and a command line meets the refusal behind that', async ({
    page,
    system,
  }) => {
    const article = await tryIt(page, /straight from the browser/);
    await expect(article.getByText('blocked by the browser')).toBeVisible();
    await expect(article.getByText(/CORS/).first()).toBeVisible();
    await expect(article.getByText(`${system.url.api2}/accounts`)).toContainText('Bearer $TOKEN');
    const { accessToken } = await userToken(system);
    const response = await fetch(`${system.url.api2}/accounts`, {
      headers: { Authorization: `Bearer ${accessToken}` },
    });
    expect(response.status).toBe(401);
  });

  test('after logout an offline check still takes a delegated token, a live one does not (RFC 7662 §2.2)', async ({
    page,
  }) => {
    await tryIt(page, /one scope too many/);
    const article = await tryIt(page, /after logout/);
    const observations = article.getByRole('listitem');
    await expect(observations.filter({ hasText: 'checks offline' })).toContainText('200');
    await expect(observations.filter({ hasText: 'asks the token service' })).toContainText('401');
    await expect(observations.filter({ hasText: 'one more token' })).toContainText('invalid_grant');

    await article.getByRole('button', { name: 'Sign in again' }).click();
    await fillSignIn(page, 'alice', 'alice');
    await expect(page.getByText('Your results are still here.')).toBeVisible();
    await expect(experiment(page, /after logout/).getByText('as the rule says')).toBeVisible();
    await expect(page.getByText('2 of 9 tried')).toBeVisible();
    await expect(
      experiment(page, /after logout/).getByRole('button', { name: 'Try it again' }),
    ).toBeVisible();
    const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage }));
    expect(kept).not.toContain('after-logout');
  });

  test('nothing is tried before a prediction, and the attack’s picture tells the end only after', async ({
    page,
  }) => {
    const article = experiment(page, /forward the token/i);
    await expect(article.getByRole('button', { name: 'Try it' })).toHaveAttribute('aria-disabled', 'true');
    await expect(article.getByText('First say what you expect.')).toBeVisible();
    await article.getByRole('radio', { name: /It answers/ }).check();
    await article.getByRole('button', { name: 'Try it' }).click();
    await expect(article.getByText('It went another way.')).toBeVisible();
    await expect(page.getByText('1 of 9 tried')).toBeVisible();
    await article.getByText('The code of the rule').click();
    await expect(article.getByText(/^packages\/auth\/src\/access-token\.ts:/)).toBeVisible();
  });

  test('alice is granted the premium report, and told how to see it refused', async ({ page }) => {
    const article = await tryIt(page, /premium report/);
    await expect(article.getByText('200', { exact: true }).first()).toBeVisible();
    await expect(article.getByText(/sign in as bob/)).toBeVisible();
  });
});

for (const user of ['bob', 'carol'] as const) {
  test(`no premium token is issued for ${user}`, async ({ page }) => {
    await signIn(page, user);
    await open(page, 'Experiments');
    const article = await tryIt(page, /premium report/);
    await expect(article.getByText('403', { exact: true }).first()).toBeVisible();
    await expect(
      article.getByText('This needs an active subscription. Yours has lapsed, or you have none.'),
    ).toBeVisible();
    const refusedGrant = page
      .getByRole('list', { name: 'Steps of the call' })
      .getByRole('button', { name: /exchanges the token: translation/ });
    await expect(refusedGrant).toContainText('400 invalid_grant');
    await open(page, 'Insights');
    await expect(page.getByRole('heading', { name: 'This needs an active subscription' })).toBeVisible();
    await expect(refusedGrant).toContainText('400 invalid_grant');
    await expect(page.getByRole('button', { name: 'Try again' })).toHaveCount(0);
  });
}
