import { errors } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeySet, createRemoteKeySet, createStaticKeySet, type KeySet } from '../src/key-set.ts';
import { TokenCheckUnavailableError } from '../src/outgoing.ts';
import { createTestIssuer, type TestIssuer, type TestIssuerServer } from '../src/testing.ts';

let now = 1000;

let issuer: TestIssuer;

let server: TestIssuerServer;

let keySet: KeySet;

beforeEach(async () => {
  now = 1000;
  issuer = createTestIssuer();
  server = await issuer.listen();
  keySet = createRemoteKeySet({
    issuer: issuer.issuer,
    jwksUri: server.jwksUri,
    now: () => now,
  });
});

afterEach(() => server.close());

/** The key for a kid; undefined when none is published. */
const find = (kid: string, keys = keySet): Promise<unknown> =>
  Promise.resolve(keys.find({ alg: 'ES256', kid }, { payload: '', signature: '' })).catch(
    (error: unknown) => {
      if (error instanceof errors.JWKSNoMatchingKey) return undefined;
      throw error;
    },
  );

describe('a remote key set', () => {
  it('fetches once for any number of questions at the same time', async () => {
    const { kid } = issuer.signingKey;
    const keys = await Promise.all(Array.from({ length: 20 }, () => find(kid)));
    expect(keys[0]).toBeDefined();
    expect(new Set(keys).size).toBe(1);
    expect(server.requests).toHaveLength(1);
  });

  it('has a version once it has been fetched, and not before', async () => {
    expect(keySet.version()).toBeUndefined();
    await find(issuer.signingKey.kid);
    expect(keySet.version()).toBeDefined();
  });

  it('uses no key that was fetched 60 seconds ago, and notices one that was withdrawn', async () => {
    const { kid } = issuer.signingKey;
    await find(kid);
    issuer.rotateKey({ keepOld: false });
    now += 60;
    expect(keySet.version()).toBeUndefined();
    expect(await find(kid)).toBeUndefined();
    expect(await find(issuer.signingKey.kid)).toBeDefined();
  });

  it('uses no key when the clock was set back', async () => {
    const { kid } = issuer.signingKey;
    await find(kid);
    now -= 3600;
    expect(keySet.version()).toBeUndefined();
    now += 3600;
    expect(keySet.version()).toBeUndefined();
  });

  it('uses no key when the clock was set back while it was fetched', async () => {
    const { kid } = issuer.signingKey;
    const remote: KeySet = createRemoteKeySet({
      issuer: issuer.issuer,
      jwksUri: server.jwksUri,
      now: () => now,
      fetch: (url, init) => {
        now -= 500;
        remote.version();
        return fetch(url, init);
      },
    });
    await find(kid, remote);
    expect(remote.version()).toBeUndefined();
  });

  it('keeps its version while the published keys stay the same, and no longer', async () => {
    const { kid } = issuer.signingKey;
    await find(kid);
    const before = keySet.version();
    now += 60;
    await find(kid);
    expect(keySet.version()).toBe(before);
    issuer.rotateKey();
    now += 60;
    await find(kid);
    expect(keySet.version()).not.toBe(before);
  });

  it('works through an outage with keys that are young enough, then throws', async () => {
    const { kid } = issuer.signingKey;
    await find(kid);
    server.failWith({ status: 500, body: {} });
    now += 59;
    expect(await find(kid)).toBeDefined();
    now += 1;
    await expect(find(kid)).rejects.toThrow(TokenCheckUnavailableError);
    server.failWith(undefined);
    now += 1;
    expect(await find(kid)).toBeDefined();
  });

  it('refreshes in the background from half its greatest age on', async () => {
    const { kid } = issuer.signingKey;
    await find(kid);
    now += 30;
    expect(keySet.version()).toBeDefined();
    await expect.poll(() => server.requests.length).toBe(2);
    await expect.poll(() => ((now = 1075), keySet.version())).toBeDefined();
  });

  it('fetches once, not once per token, for a flood of unknown kids', async () => {
    await find(issuer.signingKey.kid);
    now += 5;
    for (let count = 0; count < 50; count += 1) expect(await find(`unknown-${count}`)).toBeUndefined();
    expect(server.requests).toHaveLength(2);
  });

  it('finds a key that was added since, when it is asked for after the cool-down', async () => {
    await find(issuer.signingKey.kid);
    issuer.rotateKey();
    expect(await find(issuer.signingKey.kid)).toBeUndefined();
    now += 5;
    expect(await find(issuer.signingKey.kid)).toBeDefined();
  });

  it('cannot say that a kid is unknown while the keys cannot be fetched', async () => {
    await find(issuer.signingKey.kid);
    server.failWith('cut');
    now += 5;
    await expect(find('unknown')).rejects.toThrow(TokenCheckUnavailableError);
    await expect(find('unknown')).rejects.toThrow(TokenCheckUnavailableError);
    expect(server.requests).toHaveLength(2);
  });

  it.each([
    ['an error status', { status: 503, body: {}, headers: { 'retry-after': '7' } }],
    ['no JSON', { status: 200, body: '<html>' }],
    ['no object', { status: 200, body: [] }],
    ['no keys', { status: 200, body: {} }],
    [
      'an answer that is too large',
      { status: 200, body: JSON.stringify({ keys: [], filler: 'x'.repeat(300_000) }) },
    ],
    ['a connection that is cut', 'cut'],
  ] as const)('throws for %s', async (_, failure) => {
    server.failWith(failure);
    await expect(find('any')).rejects.toThrow(TokenCheckUnavailableError);
  });

  it('throws when no answer comes in time', async () => {
    server.failWith('hang');
    const impatient = createRemoteKeySet({ issuer: issuer.issuer, jwksUri: server.jwksUri, timeoutMs: 50 });
    await expect(find('any', impatient)).rejects.toThrow(TokenCheckUnavailableError);
  });

  it('passes on how long to wait', async () => {
    server.failWith({ status: 503, body: {}, headers: { 'retry-after': '7' } });
    await expect(find('any')).rejects.toMatchObject({ retryAfterSeconds: 7 });
  });

  it('discovers where the keys are, at an address that is not the identifier', async () => {
    const discovering = createRemoteKeySet({ issuer: issuer.issuer, address: server.address });
    expect(await find(issuer.signingKey.kid, discovering)).toBeDefined();
    expect(server.requests).toEqual([
      '/.well-known/openid-configuration',
      '/.well-known/openid-configuration/jwks',
    ]);
  });

  it('does not take the keys of an issuer of another name (RFC 8414 §3.3)', async () => {
    const { jwksUri, address } = server;
    const body = { issuer: 'https://other.example', jwks_uri: jwksUri, ...issuer.jwks() };
    server.failWith({ status: 200, body });
    const discovering = createRemoteKeySet({ issuer: issuer.issuer, address });
    await expect(find(issuer.signingKey.kid, discovering)).rejects.toThrow(TokenCheckUnavailableError);
  });

  it('follows no redirect to keys elsewhere', async () => {
    const elsewhere = await issuer.listen();
    server.failWith({ status: 302, body: '', headers: { location: elsewhere.jwksUri } });
    await expect(find(issuer.signingKey.kid)).rejects.toThrow(TokenCheckUnavailableError);
    expect(elsewhere.requests).toEqual([]);
    await elsewhere.close();
  });

  it('fetches no keys from an unsafe address that the discovery document names (RFC 9700 §2.6)', async () => {
    const seen: string[] = [];
    const remote = createRemoteKeySet({
      issuer: issuer.issuer,
      fetch: (url) => {
        seen.push(url);
        const body = { issuer: issuer.issuer, jwks_uri: 'http://evil.example/jwks' };
        return Promise.resolve(Response.json(seen.length === 1 ? body : issuer.jwks()));
      },
    });
    await expect(find(issuer.signingKey.kid, remote)).rejects.toThrow(TokenCheckUnavailableError);
    expect(seen).toEqual([`${issuer.issuer}/.well-known/openid-configuration`]);
  });

  it('refuses plain http to another machine unless it was allowed', () => {
    const jwksUri = 'http://sts.internal/jwks';
    expect(() => createRemoteKeySet({ issuer: issuer.issuer, jwksUri })).toThrow(TypeError);
    expect(() =>
      createRemoteKeySet({ issuer: issuer.issuer, jwksUri, allowInsecureHttp: true }),
    ).not.toThrow();
  });
});

describe('what a key set publishes', () => {
  it('leaves out private, symmetric, encryption and nameless keys (RFC 7517 §4)', async () => {
    const [jwk = { kty: 'EC' }] = issuer.jwks().keys;
    const { d } = issuer.signingKey.privateKey.export({ format: 'jwk' });
    const kids = ['private', 'symmetric', 'encryption', '7'];
    const keys = createStaticKeySet({
      keys: [
        { ...jwk, kid: 'private', d: d ?? '' },
        { kty: 'oct', kid: 'symmetric', k: 'AAAA' },
        { ...jwk, kid: 'encryption', use: 'enc' },
        { ...jwk, kid: 7 as unknown as string },
        { ...jwk, kid: 'good' },
      ],
    });
    expect(await find('good', keys)).toBeDefined();
    for (const kid of kids) expect(await find(kid, keys)).toBeUndefined();
  });

  it('is the given key set, or one over the given keys', () => {
    expect(createKeySet({ issuer: issuer.issuer, keySet })).toBe(keySet);
    expect(createKeySet({ issuer: issuer.issuer, jwks: issuer.jwks() }).version()).toBeDefined();
  });
});
