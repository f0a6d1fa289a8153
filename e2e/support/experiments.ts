import { expect, type Locator, type Page } from '@playwright/test';

export const experiment = (page: Page, title: RegExp): Locator => page.getByRole('article', { name: title });

/** Predicts the second answer, tries the experiment, and expects that the rule held. */
export async function tryIt(page: Page, title: RegExp): Promise<Locator> {
  await page.getByRole('navigation', { name: 'Experiments' }).getByRole('button', { name: title }).click();
  const article = experiment(page, title);
  await expect(article.getByText('What happened')).toHaveCount(0);
  await article.getByRole('radio').nth(1).check();
  await article.getByRole('button', { name: 'Try it' }).click();
  await expect(article.getByText('as the rule says', { exact: true })).toBeVisible();
  return article;
}
