import type { Page } from '@playwright/test';
import { expect, test } from '../support/fixtures.ts';
import { open, signIn } from '../support/person.ts';

const steps = (page: Page) => page.getByRole('list', { name: 'Steps of the call' }).getByRole('button');

async function openChain(page: Page): Promise<void> {
  await open(page, 'What each service saw');
  await expect(steps(page).first()).toBeVisible();
}

test.describe('watching a call go through the services', () => {
  test('every step is drawn as it happened: who asked whom, by which grant, and how long it took', async ({
    page,
  }) => {
    await signIn(page, 'alice');
    await openChain(page);
    await expect(steps(page).nth(1)).toContainText('exchanges the token: delegation');
    const said = (await steps(page).allTextContents()).map((text) => text.replaceAll(/\s+/g, ' '));
    expect(said).toHaveLength(7);
    expect(said[0]).toMatch(/^Browser → API1 ?GET \/chain, with your token/);
    expect(said[1]).toMatch(/^API1 → Token service/);
    expect(said[2]).toMatch(/^API1 → API2 ?GET \/chain, with an exchanged token/);
    expect(said[3]).toMatch(/^API2 → Token service ?exchanges the token: token exchange/);
    expect(said.slice(4, 6).every((text) => text.startsWith('API2 → Subscriptions'))).toBe(true);
    expect(said[6]).toMatch(/^API1 → Browser ?answers/);
    expect(said.slice(0, 6).every((text) => /after [\d.,]+ ms, took [\d.,]+ ms/.test(text))).toBe(true);
    await expect(page.getByText(/your subscription \(premium\) is active/)).toBeVisible();
  });

  test('a second call shows that both tokens were still in memory', async ({ page }) => {
    await signIn(page, 'alice');
    await openChain(page);
    await page.getByLabel(/With a new token/).uncheck();
    await expect(steps(page).nth(1)).toContainText(/exchanges the token|still has a token/);
    await page.getByRole('button', { name: 'Call again' }).click();
    await expect(steps(page).nth(1)).toContainText('still has a token (delegation)');
    await expect(steps(page).nth(3)).toContainText('still has a token (token exchange)');
    await steps(page).nth(1).click();
    await expect(page.getByText('from memory, without a request')).toBeVisible();
  });

  test('each step shows what its token says beside the one it came from, and why (RFC 8693 §4.1)', async ({
    page,
  }) => {
    await signIn(page, 'alice');
    await openChain(page);
    await steps(page).nth(4).click();
    const act = page.getByRole('heading', { level: 3, name: /^act\b/ });
    await expect(act).toContainText('changed');
    const row = act.locator('xpath=..');
    await expect(row).toContainText('{ "sub": "api2.client", "act": { "sub": "api1.client" } }');
    await expect(row).toContainText('RFC 8693 §4.1');
    await steps(page).nth(0).click();
    await expect(page.getByRole('heading', { level: 2, name: 'Browser calls API1' })).toBeVisible();
    await expect(page.getByText(/^Your own token\./)).toBeVisible();
    expect(await page.content()).not.toMatch(/eyJ[\w-]{10}/);
  });

  test('the token service’s own steps are drawn: a token that it issued to itself, and the call with it', async ({
    page,
  }) => {
    await signIn(page, 'alice');
    await page.goto('/chain?call=insights');
    await expect(steps(page).nth(2)).toContainText('issues a token to itself');
    await expect(steps(page).nth(3)).toContainText('Token service → Subscriptions');
    await steps(page).nth(2).click();
    await expect(page.getByText(/about no person, for that one service/)).toBeVisible();
    await expect(page.getByRole('heading', { level: 3, name: /^scope/ }).locator('xpath=..')).toContainText(
      'subscriptions.read',
    );
  });

  test('a step has tabs for the wire, the code and a command, and the address leads back to it', async ({
    page,
  }) => {
    await signIn(page, 'alice');
    await openChain(page);
    await steps(page).nth(3).click();
    await page.getByRole('tab', { name: 'Request' }).click();
    const panel = page.getByRole('tabpanel');
    await expect(panel).toContainText('POST /connect/token HTTP/1.1');
    await expect(panel).toContainText('subject_token=…');
    await expect(panel).toContainText('client_secret=…');
    expect(page.url()).toContain('step=4&tab=request');
    await page.keyboard.press('ArrowRight');
    await expect(panel).toContainText('"access_token": "…"');
    await page.keyboard.press('End');
    await expect(panel).toContainText('client_secret=$SECRET');
    await page.keyboard.press('ArrowLeft');
    await expect(panel).toContainText('apps/sts/src/grants/token-exchange.ts');
    await page.reload();
    await expect(page.getByRole('heading', { level: 2, name: 'API2 exchanges its token' })).toBeVisible();
    await expect(page.getByRole('tab', { name: 'Code' })).toHaveAttribute('aria-selected', 'true');
  });

  test('the tokens stand side by side in words, and one sentence says what the last one means', async ({
    page,
  }) => {
    await signIn(page, 'alice');
    await openChain(page);
    const tokens = page.getByRole('list', { name: 'The tokens of this call' }).getByRole('listitem');
    await expect(tokens).toHaveCount(3);
    await expect(tokens.nth(0)).toContainText('there is no act');
    await expect(tokens.nth(2)).toContainText(/API2 acts for\s*API1 acts for\s*Alice Adler/);
    await expect(
      page.getByText(
        'API2 is calling Subscriptions, on behalf of API1, for Alice Adler, and may only read a subscription.',
      ),
    ).toBeVisible();
  });

  test('works with the keyboard alone', async ({ page }) => {
    await signIn(page, 'alice');
    await openChain(page);
    await steps(page).nth(0).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await expect(steps(page).nth(2)).toBeFocused();
    await expect(page.getByRole('heading', { level: 2, name: 'API1 calls API2' })).toBeVisible();
    await page.keyboard.press('End');
    await expect(steps(page).last()).toHaveAttribute('aria-pressed', 'true');
  });

  test('a refusal is shown where it occurred: for dave nobody here may act (RFC 8693 §4.4)', async ({
    page,
  }) => {
    await signIn(page, 'dave');
    await openChain(page);
    await expect(steps(page)).toHaveCount(3);
    await expect(steps(page).nth(1)).toContainText('400 invalid_grant');
    await expect(steps(page).nth(1)).toHaveAttribute('aria-pressed', 'true');
    await expect(page.getByText('Token service answered 400 invalid_grant')).toBeVisible();
    await expect(steps(page).nth(2)).toContainText('403');
  });

  test('other calls can be chosen: a forwarded token is drawn with its refusal', async ({ page }) => {
    await signIn(page, 'alice');
    await openChain(page);
    await page.getByLabel('Call', { exact: true }).selectOption('forwarded-token');
    await expect(steps(page).nth(1)).toContainText('with your own token, forwarded');
    await expect(steps(page).nth(1)).toContainText('401 invalid_token');
    await expect(page.getByText('this one must refuse it')).toBeVisible();
  });
});
