import { signInOverHttp, type System } from '@behalf/scripts/system';
import { startTestSystem } from '../support/system.ts';
import { expect, test } from '../support/fixtures.ts';

/** Alice with a token for API1, and from another session one for the list of who acted for her, which shows all. */
async function signedIn(system: System) {
  const login = { issuer: system.url.sts, webUrl: system.url.web, username: 'alice' };
  const { accessToken } = await signInOverHttp({ ...login, resource: system.url.api1 });
  const account = await signInOverHttp({ ...login, resource: system.url.sts, scope: 'openid account' });
  return { accessToken, accountToken: account.accessToken };
}

function call(url: string, token: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, headers: { authorization: `Bearer ${token}` } });
}

/** API1 uses a token that it has cached without asking the STS: only a notice from the STS ends it. */
test.describe('what ends while the session goes on, ends in the memory of the middle tier', () => {
  let system: System;
  test.beforeAll(async () => {
    // A token is kept for as long as it lives, so that nothing but the word can end it within this test.
    system = await startTestSystem({
      services: ['sts', 'api1', 'api2'],
      environment: { API1_TOKEN_CACHE_SECONDS: '300' },
    });
  });
  test.afterAll(() => system.close());

  const statusOf = async (token: string) => (await call(`${system.url.api1}/accounts`, token)).status;

  test('a delegation that its user took back (OpenID Connect Back-Channel Logout 1.0 §2.5)', async () => {
    const { accessToken, accountToken } = await signedIn(system);
    expect(await statusOf(accessToken)).toBe(200);
    const list = await call(`${system.url.sts}/account/delegations`, accountToken);
    const { delegations } = (await list.json()) as { delegations: { jti: string; actors: string[] }[] };
    const byApi1 = delegations.find(({ actors }) => actors[0] === 'api1.client');
    const url = `${system.url.sts}/account/delegations/${byApi1?.jti}`;
    expect((await call(url, accountToken, { method: 'DELETE' })).status).toBe(204);

    await expect.poll(() => statusOf(accessToken)).toBe(403);
    const refused = await call(`${system.url.api1}/accounts`, accessToken);
    expect(await refused.json()).toMatchObject({ status: 403, reason: 'policy' });
    // The session goes on: the user's own token is as good as before.
    expect((await call(`${system.url.api1}/identity`, accessToken)).status).toBe(200);
  });

  test('what was derived from a token that its client revoked (RFC 7009 §2.1)', async () => {
    const { accessToken } = await signedIn(system);
    const another = await signedIn(system);
    expect(await statusOf(accessToken)).toBe(200);
    const revocation = await fetch(`${system.url.sts}/connect/revocation`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'web.client', token: accessToken }),
    });
    expect(revocation.status).toBe(200);

    await expect.poll(() => statusOf(accessToken)).toBe(401);
    expect(await statusOf(another.accessToken)).toBe(200);
  });
});
