import { expectAccessible, expectNoSidewaysScrolling } from '../support/accessible.ts';
import { changeIdToken, changeTokenAnswer, toTheSignInPage } from '../support/misbehaviour.ts';
import { expect, test } from '../support/fixtures.ts';
import { fillSignIn, open, signIn } from '../support/person.ts';

const DAY_MS = 86_400_000;

test.describe('a part that cannot be had', () => {
  test('the code of a page: the page says so, and loads again when the host is back', async ({ page }) => {
    await signIn(page, 'alice');
    await page.context().setOffline(true);
    await page.getByRole('link', { name: 'Insights' }).click();
    await expect(
      page.getByRole('heading', { level: 1, name: 'This page could not be loaded' }),
    ).toBeVisible();
    await expect(page.getByText(/this device is offline/)).toBeVisible();
    await page.context().setOffline(false);
    await expect(page.getByRole('heading', { level: 1, name: 'Insights' })).toBeVisible();
  });

  test('code that a new release has replaced: the page is loaded again, once', async ({ page }) => {
    await signIn(page, 'alice');
    let asked = 0;
    await page.route(/assets\/insights-/, (route) => {
      asked += 1;
      return route.fulfill({ status: 404 });
    });
    await page.getByRole('link', { name: 'Insights' }).click();
    await expect(page.getByText('The server of this app does not have it.')).toBeVisible();
    expect(asked).toBeGreaterThan(1);
    await page.getByRole('link', { name: 'Accounts' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Accounts' })).toBeVisible();
  });

  test('storage: a sentence instead of an empty window', async ({ page }) => {
    await page.addInitScript(() =>
      Object.defineProperty(window, 'sessionStorage', {
        get() {
          throw new DOMException('denied', 'SecurityError');
        },
      }),
    );
    await page.goto('/accounts');
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(/does not let the app keep anything/);
  });

  test('the sign-in service: said, and found again without a click', async ({ page, system }) => {
    await signIn(page, 'alice');
    await page.route(`${system.url.sts}/**`, (route) => route.abort());
    await page.goto('/accounts');
    await expect(page.getByRole('heading', { level: 1, name: /does not answer/ })).toBeVisible();
    await page.unroute(`${system.url.sts}/**`);
    await expect(page.getByRole('heading', { level: 1, name: 'Accounts' })).toBeVisible();
  });

  test('an answer of an API: after some seconds it is said that the page still waits', async ({
    page,
    system,
  }) => {
    await signIn(page, 'alice');
    await page.route(`${system.url.api1}/insights`, () => undefined);
    await page.getByRole('link', { name: 'Insights' }).click();
    await expect(page.getByText(/The page is still waiting for an answer/)).toBeVisible();
  });
});

test('a device whose clock is a day fast signs in, and is told', async ({ page }) => {
  await page.clock.install({ time: Date.now() + DAY_MS });
  await signIn(page, 'alice');
  await expect(page.getByText('The clock of this device is 24 hours fast.')).toBeVisible();
  await page.getByRole('button', { name: 'Close' }).click();
  await expect(page.getByText(/The clock of this device/)).toHaveCount(0);
});

test('another name of this machine leads to the right address', async ({ page, system }) => {
  const other = system.url.web.replace('localhost', '127.0.0.1');
  await page.goto(`${other}/pay?from=x`);
  expect(page.url()).toBe(`${system.url.web}/pay?from=x`);
});

test('a page of the sign-in service that ends a sign-in leads on to the app', async ({ page, system }) => {
  const faulty = `${system.url.sts}/connect/authorize?client_id=unknown&response_type=code`;
  for (const [address, heading] of [
    [`${system.url.sts}/interaction/over`, 'This page has expired'],
    [faulty, 'That did not work'],
  ] as const) {
    await page.goto(address);
    await expect(page.getByRole('heading', { level: 1, name: heading })).toBeVisible();
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Go to Behalf' }).click();
    await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
    expect(page.url()).toBe(`${system.url.web}/`);
  }
});

test('an error in a page leaves the way to the others, and loading it again', async ({ page }) => {
  await signIn(page, 'alice');
  const body = 'export default function Page() { throw new TypeError("a bug"); }';
  await page.route(/assets\/insights-/, (route) => route.fulfill({ contentType: 'text/javascript', body }));
  await page.getByRole('link', { name: 'Insights' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'This page has failed' })).toBeVisible();
  await expectAccessible(page);
  await page.unroute(/assets\/insights-/);
  await page.getByRole('button', { name: 'Load the page again' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Insights' })).toBeVisible();
});

test.describe('a sign-in that fails keeps the way back and says why', () => {
  const PATH = '/pay?from=acc_a1_everyday';

  test('the person cancels it', async ({ page }) => {
    await toTheSignInPage(page, PATH);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'You were not signed in' })).toBeVisible();
    expect(page.url()).toContain(PATH);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await fillSignIn(page, 'alice', 'alice');
    await expect(page.getByLabel('From')).toHaveValue('acc_a1_everyday');
  });

  test('the ID token has another nonce (OpenID Connect Core §3.1.3.7 item 11)', async ({ page, system }) => {
    await toTheSignInPage(page, PATH);
    await changeIdToken(page, system, { nonce: 'other' });
    await fillSignIn(page, 'alice', 'alice');
    await expect(page.getByRole('heading', { level: 1, name: /gave a wrong answer/ })).toBeVisible();
    await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
    expect(page.url()).toContain(PATH);
  });

  test('the token endpoint fails, and once it works again the page goes on by itself', async ({
    page,
    system,
  }) => {
    await toTheSignInPage(page, PATH);
    const restore = await changeTokenAnswer(page, system, () => ({ status: 500, json: {} }));
    await fillSignIn(page, 'alice', 'alice');
    await expect(page.getByRole('heading', { level: 1, name: /has failed/ })).toBeVisible();
    await restore();
    await expect(page.getByLabel('From')).toHaveValue('acc_a1_everyday');
  });

  test('a description of 3,000 letters breaks nothing and is no sentence of the page', async ({
    page,
    system,
  }) => {
    await page.route(`${system.url.sts}/connect/authorize?**`, (route) => {
      const query = new URL(route.request().url()).searchParams;
      const back = new URL(query.get('redirect_uri') ?? '');
      back.search = new URLSearchParams({
        error: 'invalid_scope',
        error_description: `\u{202E}${'w'.repeat(3000)}`,
        state: query.get('state') ?? '',
        iss: system.url.sts,
      }).toString();
      return route.fulfill({ status: 303, headers: { location: back.href } });
    });
    await page.goto('/');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('heading', { level: 1, name: /refused the request/ })).toBeVisible();
    await expect(page.getByText(/w{9}/)).toBeHidden();
    await page.getByText('Details').click();
    await expect(page.getByText(/^invalid_scope: \\u\{202E\}w{9}/)).toBeVisible();
    await expectNoSidewaysScrolling(page);
  });

  test('a name that is no text empties no window', async ({ page, system }) => {
    await toTheSignInPage(page, '/accounts');
    await changeIdToken(page, system, { name: { first: 'Alice' } });
    await fillSignIn(page, 'alice', 'alice');
    await expect(page.getByRole('heading', { level: 1, name: 'Accounts' })).toBeVisible();
    await expect(page.getByRole('banner')).toContainText('alice');
  });
});

test('the address that ends a sign-in, opened by itself, says so and restores the session', async ({
  page,
}) => {
  await page.goto('/callback');
  await expect(page.getByText('There was no sign-in to finish')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await signIn(page, 'alice');
  await page.goto('/callback');
  await expect(page.getByText(/you are signed in/)).toBeVisible();
  await expect(page.getByRole('list', { name: 'Your accounts' })).toBeVisible();
});

test('dave is not told that he took something back', async ({ page }) => {
  await toTheSignInPage(page, '/accounts');
  await fillSignIn(page, 'dave', 'dave');
  await expect(page.getByText(/^API1 was given no token to act for you/)).toBeVisible();
  await expect(page.getByText(/may_act/)).toBeHidden();
});

test('a sign-out that returns without its state is one all the same, and is told to the other tabs', async ({
  page,
  context,
  system,
}) => {
  await signIn(page, 'alice');
  const other = await context.newPage();
  await other.goto('/accounts');
  await expect(other.getByRole('list', { name: 'Your accounts' })).toBeVisible();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Sign out?' })).toBeVisible();
  await expect(other.getByRole('heading', { level: 1, name: 'You signed out in another tab' })).toBeVisible();
  await page.route(`${system.url.sts}/connect/endsession/confirm`, async (route) => {
    const response = await route.fetch({ maxRedirects: 0 });
    const { location = '', ...headers } = response.headers();
    return route.fulfill({
      response,
      headers: { ...headers, location: `${location.split('?')[0]}?state=forged` },
    });
  });
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByText('You are signed out')).toBeVisible();
  expect(new URL(page.url()).search).toBe('');
});

test('nothing of one user is in a tab’s storage once another has signed in', async ({ page, context }) => {
  await signIn(page, 'alice');
  await open(page, 'Pay');
  await page.getByLabel('Reference').fill('A secret of alice');
  const other = await context.newPage();
  await other.goto('/accounts');
  await other.getByRole('button', { name: 'Sign out' }).click();
  await other.getByRole('button', { name: 'Sign out' }).click();
  await expect(other.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await signIn(other, 'bob');
  await expect(page.getByRole('heading', { level: 1, name: 'Pay' })).toBeVisible();
  const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage }));
  expect(kept).not.toContain('A secret of alice');
});
