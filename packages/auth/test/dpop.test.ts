import { DatabaseSync } from 'node:sqlite';
import express, { type Express } from 'express';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDelegationClient } from '../src/delegation-client.ts';
import type { DpopOptions } from '../src/dpop.ts';
import { createReplayMemory } from '../src/replay-store.ts';
import { createProofMaker, type DpopKey, generateDpopKey } from '../src/dpop-key.ts';
import { authOf, protectedResourceMetadata, requireAccessToken, requireScope } from '../src/express.ts';
import { createTestIssuer, type TestIssuerServer } from '../src/testing.ts';
import { createAccessTokenVerifier, digestOf } from '../src/verifier.ts';

const issuer = createTestIssuer({ now: () => now });

const METADATA = 'https://api.example/.well-known/oauth-protected-resource';

let now: number;
let server: TestIssuerServer;
let key: DpopKey;
let jkt: string;
let token: string;
let app: Express;

beforeEach(async () => {
  now = 1_800_000_000;
  server = await issuer.listen();
  key = await generateDpopKey();
  jkt = await calculateJwkThumbprint(await exportJWK(key.publicKey));
  token = issuer.mint({ cnf: { jkt } });
  app = createApi();
});

afterEach(() => server.close());

const createVerifier = () =>
  createAccessTokenVerifier({
    issuer: issuer.issuer,
    audience: issuer.audience,
    jwksUri: server.jwksUri,
    now: () => now,
  });

function createApi(dpop: DpopOptions | undefined = {}): Express {
  const api = express();
  api.use(requireAccessToken(createVerifier(), { dpop }));
  api.all('/thing', (req, res) => void res.json({ sub: authOf(req).sub }));
  api.get('/scope', requireScope('more'), (_req, res) => void res.json({}));
  return api;
}

/** A good proof for `GET /thing`, with changes; undefined takes a member away. */
async function proof(
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
  signer = key,
) {
  const jwk = await exportJWK(signer.publicKey);
  const good = {
    jti: `jti-${Math.random()}`,
    htm: 'GET',
    htu: 'https://api.example/thing',
    iat: now,
    ath: digestOf(token),
  };
  return new SignJWT({ ...good, ...claims })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk, ...header })
    .sign(signer.privateKey);
}

const get = (proofs: string | string[], { path = '/thing', scheme = 'DPoP', jwt = token } = {}) =>
  request(app)
    .get(path)
    .set('Authorization', `${scheme} ${jwt}`)
    .set('DPoP', proofs as string);

describe('a token that is bound to a key', () => {
  it('is taken with a proof of that key (RFC 9449 §7.1)', async () => {
    for (const made of [
      await proof(),
      await createProofMaker(key, token, () => now)('GET', 'https://api.example/thing?x#y'),
    ])
      expect((await get(made)).body).toEqual({ sub: 'user-1' });
  });

  it.each(['dpop', 'DPOP'])('is taken with the scheme written as %s (RFC 9110 §11.1)', async (scheme) => {
    expect((await get(await proof(), { scheme })).status).toBe(200);
  });

  it('is taken for any query, which htu leaves out (RFC 9449 §4.3 item 9)', async () => {
    expect((await get(await proof(), { path: '/thing?a=b' })).status).toBe(200);
  });

  const rsa = async () => generateKeyPair('RS256');

  it.each<[what: string, section: string, make: () => Promise<string | string[]>]>([
    ['none', '§4.3 item 1', async () => []],
    ['two', '§4.3 item 1', async () => [await proof(), await proof()]],
    ['no JWT', '§4.3 item 2', async () => 'x.y.z'],
    ['more than 8 KiB', '§11.1', async () => proof({ x: 'x'.repeat(8192) })],
    ['no jti', '§4.3 item 3', async () => proof({ jti: undefined })],
    ['an empty jti', '§4.3 item 3', async () => proof({ jti: '' })],
    ['no htm', '§4.3 item 3', async () => proof({ htm: undefined })],
    ['no htu', '§4.3 item 3', async () => proof({ htu: undefined })],
    ['no iat', '§4.3 item 3', async () => proof({ iat: undefined })],
    ['no ath', '§4.3 item 3', async () => proof({ ath: undefined })],
    ['the type JWT', '§4.3 item 4', async () => proof({}, { typ: 'JWT' })],
    ['the type of an access token', '§4.3 item 4', async () => proof({}, { typ: 'at+jwt' })],
    ['RS256', '§4.3 item 5', async () => proof({}, { alg: 'RS256' }, await rsa())],
    [
      'another key in its header',
      '§4.3 item 6',
      async () => proof({}, { jwk: await exportJWK((await generateDpopKey()).publicKey) }),
    ],
    ['no key in its header', '§4.3 item 6', async () => proof({}, { jwk: undefined })],
    [
      'a private key in its header',
      '§4.3 item 7',
      async () => {
        const pair = await generateKeyPair('ES256', { extractable: true });
        return proof({}, { jwk: await exportJWK(pair.privateKey) }, pair);
      },
    ],
    ['another method', '§4.3 item 8', async () => proof({ htm: 'POST' })],
    ['a method in lower case', '§4.3 item 8', async () => proof({ htm: 'get' })],
    ['another path', '§4.3 item 9', async () => proof({ htu: 'https://api.example/other' })],
    ['another host', '§4.3 item 9', async () => proof({ htu: 'https://evil.example/thing' })],
    ['http', '§4.3 item 9', async () => proof({ htu: 'http://api.example/thing' })],
    ['an age of more than 65 seconds', '§4.3 item 11', async () => proof({ iat: now - 66 })],
    ['a time more than 10 seconds ahead', '§4.3 item 11', async () => proof({ iat: now + 11 })],
    ['the hash of another token', '§4.3 item 12', async () => proof({ ath: digestOf('other') })],
  ])('is refused with a proof that has %s (RFC 9449 %s)', async (_what, _section, make) => {
    const response = await get(await make());
    expect(response.status).toBe(401);
    expect(response.headers['www-authenticate']).toMatch(/^DPoP error="invalid_dpop_proof", .*algs="ES256"$/);
  });

  it('is refused with a proof of another key (RFC 9449 §4.3 item 12)', async () => {
    const response = await get(await proof({}, {}, await generateDpopKey()));
    expect(response.status).toBe(401);
    expect(response.headers['www-authenticate']).toMatch(/^DPoP error="invalid_token", .*algs="ES256"$/);
  });

  it.each([
    ['of another kind', { 'x5t#S256': 'x' }],
    ['besides the thumbprint', { 'x5t#S256': 'x', jkt: 'its own' }],
    ['with a thumbprint that is no text', { jkt: ['its own'] }],
  ])('is refused with a confirmation %s (RFC 7800 §3.1)', async (_what, cnf) => {
    const own = JSON.parse(JSON.stringify(cnf).replace('its own', jkt)) as object;
    token = issuer.mint({ cnf: own });
    expect((await get(await proof())).status).toBe(401);
  });

  it('is refused as a bearer token, with and without a proof, also once it was taken (RFC 9449 §7.2)', async () => {
    expect((await get(await proof())).status).toBe(200);
    for (const response of [
      await get(await proof(), { scheme: 'Bearer' }),
      await request(app).get('/thing').set('Authorization', `Bearer ${token}`),
    ]) {
      expect(response.status).toBe(401);
      expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    }
  });

  it('is refused by an API that takes no DPoP, in both schemes', async () => {
    app = express();
    app.use(requireAccessToken(createVerifier()));
    for (const scheme of ['DPoP', 'Bearer']) {
      const response = await get(await proof(), { scheme });
      expect(response.status).toBe(401);
      expect(response.headers['www-authenticate']).not.toContain('DPoP');
    }
  });

  it('is refused like any other when it has expired', async () => {
    now += 400;
    const response = await get(await proof());
    expect(response.headers['www-authenticate']).toMatch(/^DPoP error="invalid_token"/);
  });
});

describe('a proof', () => {
  it('is taken once, also when it is sent many times at once (RFC 9449 §11.1)', async () => {
    const made = await proof();
    const responses = await Promise.all(Array.from({ length: 10 }, () => get(made)));
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('is not consumed by a request that another key makes with its jti', async () => {
    const thief = await generateDpopKey();
    await get(await proof({ jti: 'same' }, {}, thief));
    expect((await get(await proof({ jti: 'same' }))).status).toBe(200);
  });

  it('that is in use when the memory is full brings 503, and room is made by time', async () => {
    app = createApi({ replays: createReplayMemory(() => now, 1) });
    expect((await get(await proof())).status).toBe(200);
    const full = await get(await proof());
    expect([full.status, full.headers['retry-after']]).toEqual([503, '5']);
    now += 70;
    expect((await get(await proof())).status).toBe(200);
  });

  it('can be remembered in a table that replicas share', async () => {
    const db = new DatabaseSync(':memory:');
    db.exec('create table dpop_replays (value text primary key, expires_at integer not null)');
    const insert = db.prepare('insert into dpop_replays values (?, ?) on conflict do nothing');
    const replays = {
      consume: (value: string, expiresAt: number) => insert.run(value, expiresAt).changes === 1,
    };
    const [one, other] = [createApi({ replays }), createApi({ replays })];
    const made = await proof();
    const statuses = [];
    for (const replica of [one, other, one]) {
      app = replica;
      statuses.push((await get(made)).status);
    }
    expect(statuses).toEqual([200, 401, 401]);
  });
});

describe('a token that is not bound', () => {
  beforeEach(() => {
    token = issuer.mint();
  });

  it('is a bearer token as before', async () => {
    expect((await request(app).get('/thing').set('Authorization', `Bearer ${token}`)).status).toBe(200);
  });

  it('is refused with the scheme DPoP (RFC 9449 §7.1)', async () => {
    const response = await get(await proof());
    expect(response.status).toBe(401);
    expect(response.headers['www-authenticate']).toMatch(/^DPoP error="invalid_token"/);
  });
});

describe('an API that takes DPoP', () => {
  it('names both schemes when no token came (RFC 9449 §7.2)', async () => {
    const { headers } = await request(app).get('/thing');
    expect(headers['www-authenticate']).toBe(`Bearer resource_metadata="${METADATA}", DPoP algs="ES256"`);
  });

  it('answers in the scheme of the request, whichever check refuses', async () => {
    const made = await proof({ htu: 'https://api.example/scope' });
    const { status, headers } = await get(made, { path: '/scope' });
    expect(status).toBe(403);
    expect(headers['www-authenticate']).toMatch(
      /^DPoP error="insufficient_scope", scope="more", .*algs="ES256"$/,
    );
  });

  it('says so in its metadata (RFC 9728 §2)', async () => {
    const api = express();
    const { audience: resource } = issuer;
    api.use(
      protectedResourceMetadata({
        resource,
        authorizationServers: [],
        scopes: [],
        dpopAlgorithms: ['ES256'],
      }),
    );
    const { body } = await request(api).get('/.well-known/oauth-protected-resource');
    expect(body).toMatchObject({ dpop_signing_alg_values_supported: ['ES256'] });
  });

  it.each([
    ['no algorithm', { algorithms: [] }],
    ['a symmetric algorithm', { algorithms: ['HS256'] }],
    ['no signature', { algorithms: ['none'] }],
    ['an age that is no number', { maximumAgeSeconds: Number.NaN }],
    ['a store without consume', { replays: {} }],
  ])('cannot be made with %s', (_what, dpop) => {
    expect(() => createApi(dpop as never)).toThrow(TypeError);
  });
});

describe('the delegation client with a key', () => {
  const create = (dpopKey: DpopKey | undefined) =>
    createDelegationClient({
      issuer: issuer.issuer,
      address: server.address,
      clientId: 'api1.client',
      clientSecret: 'a secret',
      dpopKey,
      now: () => now,
    });

  /** A token that is bound to the key of the proof, as an authorization server issues it. */
  function bindTokens(proofs: string[]): void {
    server.onToken(async (_form, { headers }) => {
      const made = headers['dpop'] as string | undefined;
      if (made === undefined)
        return { status: 200, body: { access_token: issuer.mint(), token_type: 'Bearer' } };
      proofs.push(made);
      const { jwk } = JSON.parse(Buffer.from(made.split('.')[0] ?? '', 'base64url').toString()) as {
        jwk: JWK;
      };
      const access_token = issuer.mint({ cnf: { jkt: await calculateJwkThumbprint(jwk) } });
      return { status: 200, body: { access_token, token_type: 'DPoP', expires_in: 300 } };
    });
  }

  it('sends a proof for the token endpoint, and gets tokens that come with proofs for calls', async () => {
    const proofs: string[] = [];
    bindTokens(proofs);
    const delegated = await create(key).delegate({ token: 'T', scopes: ['api2'] });
    const claims = JSON.parse(Buffer.from(proofs[0]?.split('.')[1] ?? '', 'base64url').toString()) as object;
    expect(claims).toMatchObject({ htm: 'POST', htu: `${issuer.issuer}/connect/token` });
    expect(delegated.tokenType).toBe('dpop');
    token = delegated.accessToken;
    const made = await delegated.prove?.('GET', 'https://api.example/thing');
    expect((await get(made ?? '')).body).toEqual({ sub: 'user-1' });
  });

  it('takes no bearer token, because it asked for a bound one', async () => {
    server.onToken(() => ({ status: 200, body: { access_token: 'T2', token_type: 'Bearer' } }));
    await expect(create(key).delegate({ token: 'T' })).rejects.toMatchObject({ kind: 'refused' });
  });

  it('can ask without its key where that is said, and without one by default', async () => {
    const proofs: string[] = [];
    bindTokens(proofs);
    const options = { cache: false, dpopKey: 'none' } as const;
    const unbound = await create(key).requestCustomGrant('delegation', { token: 'T' }, options);
    const other = await create(undefined).delegate({ token: 'T' });
    expect([unbound.prove, other.prove, proofs]).toEqual([undefined, undefined, []]);
  });

  it('has a key whose private half cannot be read', async () => {
    await expect(exportJWK(key.privateKey)).rejects.toThrow('non-extractable');
  });
});
