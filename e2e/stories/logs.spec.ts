import { expect, test } from '@playwright/test';
import { open, signIn, signOut } from '../support/person.ts';
import { startTestSystem } from '../support/system.ts';
import { askForToken, delegatedToken, foreignToken, userToken } from '../support/tokens.ts';

test('no service writes a token, secret, code, cookie or password into its log', async ({ browser }) => {
  const system = await startTestSystem({ environment: { LOG_LEVEL: 'debug' } });
  try {
    const secrets = new Set<string>();
    // An interaction's id is in its address as well; what makes it good is the signature in the cookie beside it.
    const noteCookie = (name: string, value: string) => {
      if (!/^_interaction(_resume)?$/.test(name)) secrets.add(value);
    };
    const page = await browser.newPage({ baseURL: system.url.web });
    page.on('request', (request) => {
      for (const text of [request.url(), request.postData() ?? '']) {
        for (const [, value] of text.matchAll(/[?&](?:code|code_verifier|id_token_hint|state)=([^&\s]+)/g)) {
          secrets.add(decodeURIComponent(value ?? ''));
        }
      }
    });
    await signIn(page, 'alice');
    await open(page, 'What each service saw');
    for (const { name, value } of await page.context().cookies()) noteCookie(name, value);
    await signOut(page);

    const { accessToken, refreshToken, idToken, code, cookies } = await userToken(system, 'bob');
    const delegated = await delegatedToken(system, accessToken);
    const foreign = await foreignToken(accessToken);
    await askForToken(system, 'api1.client', { grant_type: 'delegation', scope: 'api2', token: foreign });
    await askForToken(system, 'api1.client', {
      grant_type: 'delegation',
      scope: 'api2',
      token: accessToken,
      client_secret: 'a-wrong-client-secret',
    });
    await userToken(system, 'a-wrong-password-1' as 'alice').catch(() => undefined);
    for (const [api, token] of [
      [system.url.api1, accessToken],
      [system.url.api2, accessToken],
      [system.url.api2, delegated],
      [system.url.subscriptions, foreign],
    ] as const) {
      await fetch(`${api}/accounts?access_token=${token}`, { headers: { authorization: `Bearer ${token}` } });
    }
    for (const value of [accessToken, refreshToken, idToken, code, delegated, foreign]) {
      if (value !== undefined) secrets.add(value);
    }
    for (const cookie of cookies.split('; ')) {
      const [name = '', value = ''] = cookie.split('=', 2);
      noteCookie(name, value);
    }
    secrets.add('a-wrong-client-secret').add('a-wrong-password-1');
    await page.close();

    await system.close();
    const log = system.output().join('\n');
    expect(log).toContain('/connect/token');
    const written = [...secrets].filter((secret) => secret.length >= 8 && log.includes(secret));
    expect(written).toEqual([]);
    expect(log).not.toMatch(/eyJ[\w-]+\.[\w-]+\./);
    expect(log).not.toMatch(/\b(Bearer|Basic) [\w.~+/=-]{8,}/i);
    expect(log).not.toMatch(/"password":"(?!\[redacted\])/);
  } finally {
    await system.close();
  }
});
