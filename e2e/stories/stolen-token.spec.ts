import { tryIt } from '../support/experiments.ts';
import { expect, test } from '../support/fixtures.ts';
import { open, signIn } from '../support/person.ts';

test('a copied bearer token works elsewhere, a copied bound one does not (RFC 9449 §7)', async ({
  page,
  system,
  dpop,
}) => {
  const sent = page.waitForRequest(`${system.url.api1}/accounts`);
  await signIn(page, 'alice');
  const headers = await (await sent).allHeaders();
  const [scheme = '', token = ''] = (headers['authorization'] ?? '').split(' ');
  expect([scheme, 'dpop' in headers]).toEqual(dpop ? ['DPoP', true] : ['Bearer', false]);

  const elsewhere = (authorization: string, proof: Record<string, string> = {}) =>
    fetch(`${system.url.api1}/accounts`, { headers: { authorization, ...proof } });
  expect((await elsewhere(`Bearer ${token}`)).status).toBe(dpop ? 401 : 200);
  const replayed = await elsewhere(`DPoP ${token}`, { dpop: headers['dpop'] ?? 'none' });
  expect(replayed.status).toBe(401);
  expect(replayed.headers.get('www-authenticate')).toMatch(
    dpop ? /^DPoP error="invalid_dpop_proof"/ : /^Bearer/,
  );

  await open(page, 'Experiments');
  const experiment = await tryIt(page, /Steal the token/);
  await expect(experiment.getByText(dpop ? 'invalid_dpop_proof' : '200', { exact: true })).toBeVisible();
});

test('each hop has a token that is bound to the key of its own caller, or none has', async ({
  page,
  system,
  dpop,
}) => {
  await signIn(page, 'alice');
  const answered = page.waitForResponse(
    (response) => response.url() === `${system.url.api1}/chain` && response.request().method() === 'GET',
  );
  // The page calls with a new token, from the refresh token, which is bound to the key of this page as well (RFC 9449 §5).
  const refreshed = page.waitForResponse(`${system.url.sts}/connect/token`);
  await open(page, 'What each service saw');
  const { hops } = (await (await answered).json()) as { hops: { cnf?: { jkt: string } }[] };
  const keys = hops.map(({ cnf }) => cnf?.jkt);
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(dpop ? 3 : 1);
  expect(keys.includes(undefined)).toBe(!dpop);
  expect(await (await refreshed).json()).toMatchObject({ token_type: dpop ? 'DPoP' : 'Bearer' });
});

test('the page of what acted for a person works with tokens of either kind', async ({ page }) => {
  await signIn(page, 'alice');
  await open(page, 'Who acted for me');
  await expect(page.getByRole('button', { name: /^Take back: API1 at API2/ }).first()).toBeVisible();
});
