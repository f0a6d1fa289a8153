import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TokenCheckUnavailableError } from '../src/outgoing.ts';
import { badTokens, createTestIssuer, type TestIssuerServer } from '../src/testing.ts';
import { type AccessTokenVerifier, createAccessTokenVerifier } from '../src/verifier.ts';

const START = 1_800_000_000;

let now = START;

const issuer = createTestIssuer({ now: () => now });

let server: TestIssuerServer;

let verifier: AccessTokenVerifier;

beforeEach(async () => {
  now = START;
  server = await issuer.listen();
  const { audience } = issuer;
  verifier = createAccessTokenVerifier({
    issuer: issuer.issuer,
    audience,
    jwksUri: server.jwksUri,
    now: () => now,
  });
});

afterEach(() => server.close());

describe('the verifier of an API', () => {
  it('takes a good token, again and again, as the same verdict', async () => {
    const jwt = issuer.mint();
    const first = await verifier.verify(jwt);
    expect(first).toMatchObject({ ok: true, token: { subject: 'user-1' } });
    expect(await verifier.verify(jwt)).toBe(first);
  });

  it.each(badTokens(issuer, { audience: issuer.audience }))(
    'refuses $name, and again ($section)',
    async ({ token, detail }) => {
      expect(await verifier.verify(token)).toMatchObject({ ok: false, detail });
      expect(await verifier.verify(token)).toMatchObject({ ok: false, detail });
    },
  );

  it('does not take a remembered token beyond its end', async () => {
    const jwt = issuer.mint();
    await verifier.verify(jwt);
    now += 304;
    expect(await verifier.verify(jwt)).toMatchObject({ ok: true });
    now += 1;
    expect(await verifier.verify(jwt)).toMatchObject({ ok: false, detail: 'expired' });
  });

  it('does not take a remembered token once its key is withdrawn', async () => {
    const jwt = issuer.mint();
    await verifier.verify(jwt);
    issuer.rotateKey({ keepOld: false });
    now += 60;
    expect(await verifier.verify(jwt)).toMatchObject({ ok: false, detail: 'unknown_key' });
  });

  it('does not take a remembered token once another key stands under its kid', async () => {
    const jwt = issuer.mint();
    await verifier.verify(jwt);
    const { kid } = issuer.signingKey;
    const keys = createTestIssuer()
      .jwks()
      .keys.map((jwk) => ({ ...jwk, kid }));
    server.failWith({ status: 200, body: { keys } });
    now += 60;
    expect(await verifier.verify(jwt)).toMatchObject({ ok: false, detail: 'bad_signature' });
  });

  it('throws during an outage, for remembered tokens too once the keys are too old', async () => {
    const jwt = issuer.mint();
    await verifier.verify(jwt);
    server.failWith('cut');
    now += 59;
    expect(await verifier.verify(jwt)).toMatchObject({ ok: true });
    now += 1;
    await expect(verifier.verify(jwt)).rejects.toThrow(TokenCheckUnavailableError);
  });

  it('takes no token when a published key is unusable', async () => {
    const [jwk] = issuer.jwks().keys;
    const unusable = createAccessTokenVerifier({
      issuer: issuer.issuer,
      audience: issuer.audience,
      jwks: { keys: [{ ...jwk, kty: 'EC', x: 'AAAA' }] },
    });
    expect(await unusable.verify(issuer.mint())).toMatchObject({ ok: false, detail: 'unknown_key' });
  });

  it('does not take a remembered token when the clock was set back', async () => {
    const jwt = issuer.mint();
    const first = await verifier.verify(jwt);
    now -= 1;
    const second = await verifier.verify(jwt);
    expect(second).toEqual(first);
    expect(second).not.toBe(first);
  });

  it('gives every request the same token, which none can change', async () => {
    const verdict = await verifier.verify(issuer.mint({ subscription: { status: 'lapsed' } }));
    if (!verdict.ok) throw new Error(verdict.description);
    const { subscription } = verdict.token.claims as { subscription?: { status: string } };
    expect(() => Object.assign(subscription ?? {}, { status: 'active' })).toThrow(TypeError);
    expect(() => (verdict.token.scopes as string[]).push('more')).toThrow(TypeError);
  });

  it.each([
    ['a slash more', `${issuer.issuer}/`],
    ['another name', 'https://other.example'],
  ])('tells once of an issuer with %s: cause, expected, found and option', async (_, wrong) => {
    const warnings: string[] = [];
    const misled = createAccessTokenVerifier({
      issuer: wrong,
      address: server.address,
      audience: issuer.audience,
      onWarning: (message) => void warnings.push(message),
    });
    for (let turn = 0; turn < 2; turn += 1)
      await expect(misled.verify(issuer.mint())).rejects.toThrow(
        `calls itself "${issuer.issuer}", and the option issuer says "${wrong}"`,
      );
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/calls itself .*the option issuer says .*the option address/);
  });

  it('tells once when good signatures name another issuer than the option', async () => {
    const warnings: string[] = [];
    const misled = createAccessTokenVerifier({
      issuer: `${issuer.issuer}/`,
      audience: issuer.audience,
      jwks: issuer.jwks(),
      now: () => now,
      onWarning: (message) => void warnings.push(message),
    });
    for (let turn = 0; turn < 2; turn += 1)
      expect(await misled.verify(issuer.mint())).toMatchObject({ detail: 'wrong_issuer' });
    expect(warnings).toEqual([expect.stringContaining(`iss is "${issuer.issuer}"`)]);
  });

  it('tells why the keys cannot be fetched', async () => {
    const warnings: string[] = [];
    const options = { issuer: issuer.issuer, address: server.address, audience: issuer.audience };
    server.failWith({ status: 404, body: {} });
    const lost = createAccessTokenVerifier({
      ...options,
      onWarning: (message) => void warnings.push(message),
    });
    await expect(lost.verify(issuer.mint())).rejects.toThrow(TokenCheckUnavailableError);
    expect(warnings).toEqual([expect.stringContaining('openid-configuration answered 404')]);
  });

  it('takes only the algorithms that it was told (RFC 8725 §3.1)', async () => {
    const { audience } = issuer;
    const options = {
      issuer: issuer.issuer,
      audience,
      jwks: issuer.jwks(),
      now: () => now,
      algorithms: ['EdDSA'],
    };
    expect(await createAccessTokenVerifier(options).verify(issuer.mint())).toMatchObject({
      detail: 'wrong_algorithm',
    });
  });

  it('takes a key for the algorithm that it is published for alone (RFC 8725 §3.1)', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const published = { ...publicKey.export({ format: 'jwk' }), kid: 'rsa', use: 'sig', alg: 'RS256' };
    const both = createAccessTokenVerifier({
      issuer: issuer.issuer,
      audience: issuer.audience,
      jwks: { keys: [published] },
      now: () => now,
      algorithms: ['RS256', 'PS256'],
    });
    const signedWith = (alg: string) =>
      new SignJWT(decodeJwt(issuer.mint()))
        .setProtectedHeader({ alg, typ: 'at+jwt', kid: 'rsa' })
        .sign(privateKey);
    expect(await both.verify(await signedWith('RS256'))).toMatchObject({ ok: true });
    expect(await both.verify(await signedWith('PS256'))).toMatchObject({ detail: 'unknown_key' });
  });

  it('works without remembering anything', async () => {
    const { audience } = issuer;
    const forgetful = createAccessTokenVerifier({
      issuer: issuer.issuer,
      audience,
      jwks: issuer.jwks(),
      now: () => now,
      maximumCachedTokens: 0,
    });
    const jwt = issuer.mint();
    expect(await forgetful.verify(jwt)).not.toBe(await forgetful.verify(jwt));
  });
});
