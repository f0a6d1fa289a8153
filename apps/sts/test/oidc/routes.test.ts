import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorize, basic, post, redeem, refresh, signIn } from '../support/sign-in.ts';
import { addConfidentialClient, API1, startTestSts, type TestSts } from '../support/sts.ts';

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

describe('an address has one spelling', () => {
  test.each([
    ['POST', '/Connect/Token'],
    ['POST', '/connect/token/'],
    ['POST', '/connect//token'],
    ['POST', '/connect/toke%6E'],
    ['POST', '/connect/PAR'],
    ['POST', '/connect/par/'],
    ['POST', '/connect/introspect/'],
    ['POST', '/connect/revocation/'],
    ['GET', '/connect/Userinfo'],
    ['GET', '/connect/authorize/'],
    ['POST', '/connect/authorize/'],
    ['GET', '/CONNECT/authorize/x'],
    ['GET', '/connect/endsession/'],
    ['POST', '/connect/endsession/Confirm'],
    ['GET', '/INTERACTION/x'],
    ['GET', '/interaction/x/'],
    ['POST', '/Interaction/x'],
    ['GET', '/.well-known/OPENID-configuration'],
    ['GET', '/.well-known/openid-configuration/'],
    ['GET', '/.well-known/openid-configuration/JWKS'],
    ['GET', '/.well-known/OAuth-protected-resource'],
    ['GET', '/.well-known/oauth-protected-resource/'],
    ['GET', '/Account/sessions'],
    ['GET', '/account/Sessions'],
    ['GET', '/account/sessions/'],
    ['DELETE', '/account/DELEGATIONS/x'],
  ])('%s %s is 404', async (method, path) => {
    const authorization = path.toLowerCase().startsWith('/account') ? await accountHeader() : undefined;
    const response = await fetch(`${sts.issuer}${path}`, {
      method,
      redirect: 'manual',
      headers: authorization === undefined ? {} : { authorization },
      ...(method === 'POST' ? { body: new URLSearchParams({ client_id: 'web.client', token: 'x' }) } : {}),
    });
    expect(response.status).toBe(404);
  });

  let header: Promise<string> | undefined;
  const accountHeader = () =>
    (header ??= signIn(sts.issuer, { scope: 'openid account', resource: [sts.issuer] }).then(
      ({ accessToken }) => `Bearer ${accessToken}`,
    ));
});

test('the metadata that the challenge of /account names is served (RFC 9728 §5.1)', async () => {
  const challenge = (await fetch(`${sts.issuer}/account/sessions`)).headers.get('www-authenticate') ?? '';
  const address = /resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? '';
  const response = await fetch(address);
  expect(response.status).toBe(200);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(await response.json()).toMatchObject({
    resource: sts.issuer,
    authorization_servers: [sts.issuer],
    scopes_supported: ['account'],
  });
});

describe('`resource` of a request for a user’s token (RFC 8707)', () => {
  test('may be written with the empty path’s slash, and the token has the identifier (RFC 3986 §6.2.3)', async () => {
    const authorization = await authorize(sts.issuer, { resource: [`${API1}/`] });
    const { body } = await redeem(sts.issuer, authorization, { resource: `${API1}/` });
    const next = await refresh(sts.issuer, body['refresh_token'], { resource: `${API1}/`, scope: 'api1' });
    for (const answer of [body, next.body]) {
      expect(decodeJwt(String(answer['access_token']))).toMatchObject({ aud: API1, scope: 'api1' });
    }
  });

  test('may be written so in a pushed request and by a client for itself, too', async () => {
    const { request, credentials } = await addConfidentialClient(sts);
    const pushed = await post(`${sts.issuer}/connect/par`, {
      ...credentials,
      scope: request.scope,
      response_type: 'code',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
      resource: `${API1}/`,
    });
    expect(pushed.status).toBe(201);
    const form = { grant_type: 'client_credentials', scope: 'api1', resource: `${API1}/` };
    const own = await post(`${sts.issuer}/connect/token`, form, basic('machine.client'));
    expect(decodeJwt(String(own.body['access_token']))['aud']).toBe(API1);
  });

  test.each(['api1', `${API1}//`, `${API1}/x`, 'HTTP://localhost:4001', `${API1}?`])(
    'is not %s: invalid_target',
    async (resource) => {
      const { refreshToken } = await signIn(sts.issuer);
      const own = { grant_type: 'client_credentials', scope: 'api1', resource };
      const answers = [
        await refresh(sts.issuer, refreshToken, { resource }),
        await redeem(sts.issuer, await authorize(sts.issuer), { resource }),
        await post(`${sts.issuer}/connect/token`, own, basic('machine.client')),
      ];
      for (const { status, body } of answers) {
        expect([status, body['error']]).toEqual([400, 'invalid_target']);
      }
    },
  );
});

describe('the refresh token', () => {
  test('of a confidential client stays as it is (FAPI 2.0 Security Profile §5.3.2.1)', async () => {
    const { request, credentials } = await addConfidentialClient(sts);
    const authorization = await authorize(sts.issuer, { parameters: request });
    const { body } = await redeem(sts.issuer, authorization, { ...credentials, resource: API1 });
    for (let time = 0; time < 2; time += 1) {
      const next = await refresh(sts.issuer, body['refresh_token'], { ...credentials, resource: API1 });
      expect(next.body['refresh_token']).toBe(body['refresh_token']);
      expect(next.body['refresh_token_expires_in']).toEqual(expect.any(Number));
    }
  });

  test('of a public client rotates, and is spent once', async () => {
    const { refreshToken } = await signIn(sts.issuer);
    const next = await refresh(sts.issuer, refreshToken);
    expect(next.body['refresh_token']).not.toBe(refreshToken);
    expect((await refresh(sts.issuer, refreshToken)).body['error']).toBe('invalid_grant');
  });
});
