/** A client as FAPI 2.0 wants it, registered by an operator, with a library that knows nothing of this server. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt, exportJWK, generateKeyPair } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../../src/cli/run.ts';
import { loadRegistry } from '../../src/registry/load-registry.ts';
import { Browser } from '../support/browser.ts';
import { authorizeUrl, newVerifier } from '../support/sign-in.ts';
import { API1, startTestSts, type TestSts } from '../support/sts.ts';

// oxlint-disable-next-line typescript/no-deprecated -- the test's server is on loopback
const { allowInsecureRequests } = client;

const REDIRECT_URI = 'http://127.0.0.1/fapi';

let sts: TestSts;

let folder: string;

let config: client.Configuration;

beforeAll(async () => {
  sts = await startTestSts();
  folder = await mkdtemp(join(tmpdir(), 'behalf-fapi-'));
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwks = join(folder, 'jwks.json');
  await writeFile(jwks, JSON.stringify({ ...(await exportJWK(publicKey)), kid: 'fapi', alg: 'ES256' }));
  const printed: string[] = [];
  const line = `client add fapi.client --grant authorization_code --scope api1 --openid-scope openid --redirect-uri ${REDIRECT_URI} --jwks ${jwks} --require-par --dpop-bound`;
  await runCommand(line.split(' '), {
    state: sts.state,
    registry: await loadRegistry(sts.config),
    isProduction: false,
    now: () => Math.floor(Date.now() / 1000),
    print: (text) => void printed.push(text),
    askSecret: () => Promise.resolve(''),
  });
  if (printed.join() !== 'added fapi.client') throw new Error(printed.join());
  config = await client.discovery(
    new URL(sts.issuer),
    'fapi.client',
    { id_token_signed_response_alg: 'ES256' },
    client.PrivateKeyJwt({ key: privateKey, kid: 'fapi' }),
    { execute: [allowInsecureRequests] },
  );
});

afterAll(async () => {
  await sts.close();
  await rm(folder, { recursive: true });
});

async function signInWithPar(dpop?: client.DPoPHandle) {
  const codeVerifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const url = await client.buildAuthorizationUrlWithPAR(
    config,
    {
      redirect_uri: REDIRECT_URI,
      scope: 'openid api1',
      resource: API1,
      state,
      code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    },
    dpop === undefined ? {} : { DPoP: dpop },
  );
  const browser = new Browser(sts.issuer);
  const page = await browser.submit(await browser.open(url.href), { username: 'alice', password: 'alice' });
  return client.authorizationCodeGrant(
    config,
    new URL(page.url),
    { pkceCodeVerifier: codeVerifier, expectedState: state },
    { resource: API1 },
    dpop === undefined ? {} : { DPoP: dpop },
  );
}

test('signs in with a pushed request, a key and a proof, and gets a token bound to the proof’s key (FAPI 2.0 §5.3)', async () => {
  const dpop = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
  const tokens = await signInWithPar(dpop);
  expect(tokens.token_type).toBe('dpop');
  expect(decodeJwt(tokens.access_token)).toMatchObject({
    client_id: 'fapi.client',
    aud: API1,
    cnf: { jkt: await dpop.calculateThumbprint() },
  });
});

test('gets no token without a proof', async () => {
  await expect(signInWithPar()).rejects.toMatchObject({ error: 'invalid_grant', status: 400 });
});

test('is refused when it does not push its request', async () => {
  const parameters = { client_id: 'fapi.client', redirect_uri: REDIRECT_URI, scope: 'openid api1' };
  const page = await new Browser(sts.issuer).open(authorizeUrl(sts.issuer, newVerifier(), { parameters }));
  expect(new URL(page.url).searchParams.get('error') ?? page.body).toContain('invalid_request');
});
