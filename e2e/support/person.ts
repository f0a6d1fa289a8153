import { expect, type Page } from '@playwright/test';

export type UserName = 'alice' | 'bob' | 'carol' | 'dave';

/** Signs in as a person who wants to see their accounts, and waits until these show. */
export async function signIn(page: Page, user: UserName): Promise<void> {
  await page.goto('/accounts');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await fillSignIn(page, user, user);
  await expect(page.getByRole('heading', { level: 1, name: 'Accounts' })).toBeVisible();
}

export async function fillSignIn(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Signs out and confirms it where the STS asks. Waits until the client shows the way in again. */
export async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Sign out' }).click();
  const question = page.getByRole('heading', { level: 1, name: 'Sign out?' });
  const wayIn = page.getByRole('button', { name: 'Sign in' });
  await expect(question.or(wayIn)).toBeVisible();
  if (await question.isVisible()) await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(wayIn).toBeVisible();
}

/** Goes to a page by the navigation and waits for its heading. */
export async function open(page: Page, link: string, heading = link): Promise<void> {
  // On a phone the pages are behind a button.
  const menu = page.getByRole('button', { name: 'Menu' });
  if ((await menu.isVisible()) && (await menu.getAttribute('aria-expanded')) === 'false') await menu.click();
  await page.getByRole('navigation').getByRole('link', { name: link, exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: heading })).toBeVisible();
}

/** The balance of one account, in minor units, read off the accounts page. */
export async function balanceOf(page: Page, name: string): Promise<number> {
  const card = page
    .getByRole('list', { name: 'Your accounts' })
    .getByRole('listitem')
    .filter({ hasText: name });
  const text = await card
    .getByText(/[€$¥£]/)
    .first()
    .innerText();
  return Number(text.replaceAll(/[^\d]/g, ''));
}
