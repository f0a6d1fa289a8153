/** Tokens that are bound to a key (RFC 9449), from the sign-in to the users' own API. */

import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { authorize, basic, post } from '../support/sign-in.ts';
import { API1, REDIRECT_URI, startTestSts, type TestSts } from '../support/sts.ts';

type Key = Awaited<ReturnType<typeof createKey>>;

let sts: TestSts;
let page: Key;
let api1: Key;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

beforeEach(async () => {
  [page, api1] = [await createKey(), await createKey()];
});

async function createKey() {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  return {
    thumbprint: await calculateJwkThumbprint(jwk),
    proof: (htm: string, path: string, accessToken?: string) =>
      new SignJWT({
        htm,
        htu: sts.issuer + path,
        jti: crypto.randomUUID(),
        ...(accessToken === undefined
          ? {}
          : { ath: createHash('sha256').update(accessToken).digest('base64url') }),
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .setIssuedAt()
        .sign(privateKey),
  };
}

async function ask(form: Record<string, string>, key?: Key, headers: Record<string, string> = {}) {
  const proof = key === undefined ? {} : { dpop: await key.proof('POST', '/connect/token') };
  return post(`${sts.issuer}/connect/token`, form, { ...headers, ...proof });
}

async function signInWith(key: Key, resource = API1) {
  const { code, codeVerifier } = await authorize(sts.issuer, {
    scope: 'openid api1 account',
    resource: [API1, sts.issuer],
  });
  const form = {
    grant_type: 'authorization_code',
    client_id: 'web.client',
    redirect_uri: REDIRECT_URI,
    code,
    code_verifier: codeVerifier,
    resource,
  };
  const { body } = await ask(form, key);
  return {
    tokenType: body['token_type'],
    accessToken: String(body['access_token']),
    refreshToken: String(body['refresh_token']),
  };
}

const keyOf = (token: unknown) => (decodeJwt(String(token))['cnf'] as { jkt?: string } | undefined)?.jkt;

const refresh = (refreshToken: string, key?: Key) =>
  ask(
    { grant_type: 'refresh_token', client_id: 'web.client', refresh_token: refreshToken, resource: API1 },
    key,
  );

const delegate = (token: string, key?: Key) =>
  ask({ grant_type: 'delegation', scope: 'api2', token }, key, basic('api1.client'));

describe('a sign-in with a proof', () => {
  test('binds the access token to its key (RFC 9449 §5)', async () => {
    const { tokenType, accessToken } = await signInWith(page);
    expect([tokenType, keyOf(accessToken)]).toEqual(['DPoP', page.thumbprint]);
  });

  test.each([
    ['without a proof', () => undefined],
    ['with a proof of another key', () => api1],
  ])('binds the refresh token of a public client: it is not taken %s (RFC 9449 §5)', async (_, key) => {
    const { refreshToken } = await signInWith(page);
    expect((await refresh(refreshToken, key())).status).toBe(400);
  });

  test('goes on with the key that it began with', async () => {
    const { refreshToken } = await signInWith(page);
    const { status, body } = await refresh(refreshToken, page);
    expect([status, keyOf(body['access_token'])]).toEqual([200, page.thumbprint]);
  });
});

describe('the next hop', () => {
  test('has a token that is bound to the key of its own caller', async () => {
    const { accessToken } = await signInWith(page);
    const { body } = await delegate(accessToken, api1);
    expect([body['token_type'], keyOf(body['access_token'])]).toEqual(['DPoP', api1.thumbprint]);
  });

  test('has none without a proof: a bound token never becomes a bearer token', async () => {
    const { accessToken } = await signInWith(page);
    const { status, body } = await delegate(accessToken);
    expect([status, body]).toMatchObject([400, { error: 'invalid_dpop_proof' }]);
  });
});

describe('/account', () => {
  const sessions = async (authorization: string, proof?: string) =>
    fetch(`${sts.issuer}/account/sessions`, {
      headers: { authorization, ...(proof === undefined ? {} : { dpop: proof }) },
    });

  test('takes a bound token with a proof of its key, each proof once, and never as a bearer token', async () => {
    const { accessToken } = await signInWith(page, sts.issuer);
    const proof = await page.proof('GET', '/account/sessions', accessToken);
    const statuses = [];
    for (const [scheme, sent] of [
      ['DPoP', proof],
      ['DPoP', proof],
      ['DPoP', await api1.proof('GET', '/account/sessions', accessToken)],
      ['Bearer', undefined],
      ['Bearer', await page.proof('GET', '/account/sessions', accessToken)],
      ['DPoP', await page.proof('GET', '/account/sessions', accessToken)],
    ] as const)
      statuses.push((await sessions(`${scheme} ${accessToken}`, sent)).status);
    expect(statuses).toEqual([200, 401, 401, 401, 401, 200]);
  });
});
