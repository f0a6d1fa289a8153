import type { System } from '@behalf/scripts/system';
import type { Page } from '@playwright/test';

export interface ChangedAnswer {
  readonly status?: number;
  readonly json: unknown;
}

/** Changes every answer of the token endpoint on its way to the browser. The result takes that back. */
export async function changeTokenAnswer(
  page: Page,
  system: System,
  change: (body: Record<string, unknown>) => ChangedAnswer,
): Promise<() => Promise<void>> {
  const url = `${system.url.sts}/connect/token`;
  await page.route(url, async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    const response = await route.fetch();
    const { status = response.status(), json } = change((await response.json()) as Record<string, unknown>);
    return route.fulfill({ response, status, json });
  });
  return () => page.unroute(url);
}

/** Changes claims of every ID token. The client does not check the signature of one that comes from the token endpoint. */
export async function changeIdToken(page: Page, system: System, claims: object): Promise<void> {
  await changeTokenAnswer(page, system, (body) => {
    const [header, payload = '', signature] = String(body['id_token']).split('.');
    const changed = { ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object), ...claims };
    const encoded = Buffer.from(JSON.stringify(changed)).toString('base64url');
    return { json: { ...body, id_token: `${header}.${encoded}.${signature}` } };
  });
}

/** Opens a page of the client that needs a sign-in, and goes to the sign-in form. */
export async function toTheSignInPage(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('User name').waitFor();
}
