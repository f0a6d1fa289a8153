/** Promises of the specifications that belong to no single part of the server. */

import { DatabaseSync } from 'node:sqlite';
import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, formOf } from './support/browser.ts';
import {
  authorize,
  authorizeUrl,
  basic,
  newVerifier,
  post,
  redeem,
  refresh,
  signIn,
} from './support/sign-in.ts';
import { API1, REDIRECT_URI, startTestSts, type TestSts } from './support/sts.ts';

let sts: TestSts;

let accessToken: string;

beforeAll(async () => {
  sts = await startTestSts();
  ({ accessToken } = await signIn(sts.issuer));
  await addPublicClient('second.client', ['authorization_code', 'refresh_token']);
  await addPublicClient('third.client', ['authorization_code']);
});

afterAll(() => sts.close());

const addPublicClient = (id: string, grantTypes: readonly string[]) =>
  sts.state.clients.upsert({
    id,
    firstParty: true,
    scopes: ['api1'],
    metadata: {
      client_id: id,
      token_endpoint_auth_method: 'none',
      grant_types: grantTypes,
      response_types: ['code'],
      redirect_uris: [REDIRECT_URI],
      scope: 'openid offline_access',
    },
  });

const token = (form: Record<string, string>, headers = basic('api1.client')) =>
  post(`${sts.issuer}/connect/token`, form, headers);

describe('the authorization endpoint', () => {
  test('goes on with 303, never with a redirect that repeats a form (RFC 9700 §4.12)', async () => {
    const response = await fetch(authorizeUrl(sts.issuer, newVerifier()), { redirect: 'manual' });
    expect(response.status).toBe(303);
  });

  test('sends no password on with the browser: after the form, too, it is 303 (RFC 9700 §4.12)', async () => {
    const browser = new Browser(sts.issuer);
    const page = await browser.open(authorizeUrl(sts.issuer, newVerifier()));
    const { action, fields } = formOf(page);
    const response = await fetch(new URL(action, page.url), {
      method: 'POST',
      redirect: 'manual',
      headers: {
        origin: sts.issuer,
        cookie: browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; '),
      },
      body: new URLSearchParams({ ...fields, username: 'alice', password: 'alice' }),
    });
    expect(response.status).toBe(303);
  });

  test('is closed to scripts of other origins (RFC 9700 §2.6)', async () => {
    const headers = { origin: sts.config.webOrigin };
    const response = await fetch(authorizeUrl(sts.issuer, newVerifier()), { headers, redirect: 'manual' });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('tells no other site where its visitors come from (RFC 9700 §4.2.4)', async () => {
    const response = await fetch(authorizeUrl(sts.issuer, newVerifier()), { redirect: 'manual' });
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
  });
});

describe('a code', () => {
  test('is good for a minute (RFC 6749 §4.1.2)', async () => {
    const authorization = await authorize(sts.issuer);
    const { db } = sts.state.database;
    const codes = db
      .selectFrom('oidc_records')
      .select(['id', 'payload'])
      .where('model', '=', 'AuthorizationCode');
    const code = await codes.where('consumed_at', 'is', null).executeTakeFirstOrThrow();
    const payload = JSON.parse(code.payload) as { iat: number; exp: number };
    expect(payload.exp - payload.iat).toBe(60);
    const expired = JSON.stringify({ ...payload, iat: payload.iat - 61, exp: payload.exp - 61 });
    await db.updateTable('oidc_records').set({ payload: expired }).where('id', '=', code.id).execute();
    expect(await redeem(sts.issuer, authorization)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });

  test('of one client is not taken from another (RFC 6749 §4.1.3)', async () => {
    const answer = await redeem(sts.issuer, await authorize(sts.issuer), {
      client_id: 'second.client',
      resource: API1,
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
});

describe('a refresh token', () => {
  test('of one client is not taken from another that may use the grant (RFC 6749 §6)', async () => {
    const { refreshToken } = await signIn(sts.issuer);
    const answer = await refresh(sts.issuer, refreshToken, { client_id: 'second.client', resource: API1 });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  test('is good for no API that the login was not for (RFC 9700 §4.14.2)', async () => {
    const { refreshToken } = await signIn(sts.issuer);
    const answer = await refresh(sts.issuer, refreshToken, { resource: sts.issuer });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
  });

  test('is for clients alone that are registered for it (RFC 9700 §4.14.2)', async () => {
    const client = { client_id: 'third.client' };
    const authorization = await authorize(sts.issuer, {
      scope: 'openid offline_access api1',
      parameters: client,
    });
    const { status, body } = await redeem(sts.issuer, authorization, { ...client, resource: API1 });
    expect(status).toBe(200);
    expect(body).not.toHaveProperty('refresh_token');
  });
});

describe('the token endpoint', () => {
  test('gives a client no refresh token and no ID token for its own grant (RFC 6749 §4.4.3)', async () => {
    const { status, body } = await token({ grant_type: 'client_credentials', scope: 'actor' });
    expect(status).toBe(200);
    expect(Object.keys(body).toSorted()).toEqual(['access_token', 'expires_in', 'scope', 'token_type']);
  });

  test('reads no client secret from the address (RFC 6749 §2.3.1)', async () => {
    const query = 'client_id=api1.client&client_secret=secret';
    const answer = await post(`${sts.issuer}/connect/token?${query}`, {
      grant_type: 'client_credentials',
      scope: 'actor',
    });
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test.each(['password', 'urn:ietf:params:oauth:grant-type:jwt-bearer', 'Delegation'])(
    'does not know the grant %s (RFC 6749 §5.2, RFC 9700 §2.4)',
    async (grantType) => {
      const answer = await token({ grant_type: grantType, username: 'alice', password: 'alice' });
      expect(answer).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type' } });
    },
  );

  test('refuses a grant that the client may not use (RFC 6749 §5.2)', async () => {
    const answer = await token({ grant_type: 'delegation', token: accessToken }, basic('api2.client'));
    expect(answer).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
  });

  test('challenges a client that failed with Basic (RFC 6749 §5.2)', async () => {
    const answer = await token(
      { grant_type: 'delegation', token: accessToken },
      basic('api1.client', 'wrong'),
    );
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="/);
  });

  test.each<Record<string, string>>([
    { grant_type: 'delegation', token: 'nonsense' },
    { grant_type: 'delegation', token: '“”\n"\\', scope: 'api2' },
    { grant_type: 'translation' },
    { grant_type: 'delegation', token: 'x', scope: '“api2”' },
    { grant_type: 'delegation', token: 'x', audience: '"\\“' },
    { grant_type: '“delegation”' },
    { grant_type: TOKEN_EXCHANGE_GRANT, subject_token: 'x', subject_token_type: '"“' },
  ])('keeps error and description to their characters (RFC 6749 §5.2): %j', async (form) => {
    const { status, body } = await token(form);
    expect(status).toBe(400);
    for (const member of [body['error'], body['error_description'] ?? 'none']) {
      expect(member).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
    }
  });
});

describe.each(['introspect', 'revocation'])('%s', (path) => {
  test.each([
    ['a form that is too large', `token=${'x'.repeat(57 * 1024)}`, 413],
    ['a repeated token', 'token=x&token=y', 400],
    ['a hundred parameters and more', `token=x${'&x='.repeat(100)}`, 400],
  ])('turns %s away like the token endpoint (RFC 7009 §5, RFC 7662 §4)', async (_, form, status) => {
    const answer = await post(
      `${sts.issuer}/connect/${path}`,
      new URLSearchParams(form),
      basic('api1.client'),
    );
    expect(answer).toMatchObject({ status, body: { error: 'invalid_request' } });
  });
});

describe('introspection', () => {
  const url = () => `${sts.issuer}/connect/introspect`;

  test.each(['refresh_token', 'nonsense', ''])(
    'finds an access token with the wrong token_type_hint %j (RFC 7662 §2.1)',
    async (hint) => {
      const answer = await post(url(), { token: accessToken, token_type_hint: hint }, basic('api1.client'));
      expect(answer).toMatchObject({ status: 200, body: { active: true } });
    },
  );

  test('takes no token in an address (RFC 7662 §4)', async () => {
    const response = await fetch(`${url()}?token=${accessToken}`, { headers: basic('api1.client') });
    expect(response.status).toBe(405);
  });

  test('answers are not stored (RFC 6749 §5.1)', async () => {
    const { headers } = await post(url(), { token: accessToken }, basic('api1.client'));
    expect(headers.get('cache-control')).toBe('no-store');
  });
});

describe('revocation', () => {
  const revoke = (form: Record<string, string>, headers: Record<string, string> = basic('api1.client')) =>
    post(`${sts.issuer}/connect/revocation`, form, headers);

  test.each(['nonsense', 'a.b.c', ''.padEnd(43, 'x')])(
    'of an unknown token is 200 (RFC 7009 §2.2): %s',
    async (unknown) => {
      expect(await revoke({ token: unknown })).toMatchObject({ status: 200 });
    },
  );

  test.each(['refresh_token', 'nonsense', ''])(
    'works with the wrong token_type_hint %j (RFC 7009 §2.1)',
    async (hint) => {
      const user = await signIn(sts.issuer);
      const form = { token: user.accessToken, token_type_hint: hint, client_id: 'web.client' };
      expect(await revoke(form, {})).toMatchObject({ status: 200 });
      const answer = await token({ grant_type: 'delegation', token: user.accessToken });
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    },
  );

  test('without client authentication is refused (RFC 7009 §2.1)', async () => {
    expect(await revoke({ token: accessToken }, {})).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
  });

  test('that cannot be carried out is 503 with Retry-After, and can be repeated (RFC 7009 §2.2.1)', async () => {
    const user = await signIn(sts.issuer);
    const form = { token: user.accessToken, client_id: 'web.client' };
    const blocker = new DatabaseSync(sts.config.databaseFile);
    blocker.exec('begin immediate');
    const blocked = await revoke(form, {});
    blocker.exec('rollback');
    blocker.close();
    expect(blocked.status).toBe(503);
    expect(blocked.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await revoke(form, {})).toMatchObject({ status: 200 });
  });
});
