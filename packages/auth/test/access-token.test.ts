import { sign } from 'node:crypto';
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { verifyAccessToken, type VerifyAccessTokenOptions } from '../src/access-token.ts';
import { createStaticKeySet } from '../src/key-set.ts';
import { badTokens, createTestIssuer } from '../src/testing.ts';

const NOW = 1_800_000_000;

const issuer = createTestIssuer({ now: () => NOW });

const options: VerifyAccessTokenOptions = {
  issuer: issuer.issuer,
  audience: issuer.audience,
  key: createStaticKeySet(issuer.jwks()).find,
  now: NOW,
};

describe('verifyAccessToken', () => {
  it('reads a delegated token (RFC 9068 §2.2, RFC 8693 §4.1)', async () => {
    const act = { sub: 'api2.client', act: { sub: 'api1.client' } };
    const jwt = issuer.mint({
      jti: 'jti-1',
      scope: 'a  b',
      client_id: 'api2.client',
      act,
      may_act: { sub: 'x' },
    });
    expect(await verifyAccessToken(jwt, options)).toMatchObject({
      ok: true,
      token: {
        issuer: issuer.issuer,
        subject: 'user-1',
        audience: issuer.audience,
        clientId: 'api2.client',
        scopes: ['a', 'b'],
        jti: 'jti-1',
        issuedAt: NOW,
        expiresAt: NOW + 300,
        act,
        actorChain: ['api2.client', 'api1.client'],
        mayAct: { sub: 'x' },
        sessionId: 'session-1',
        authTime: NOW,
        authenticationMethods: ['pwd'],
        confirmation: undefined,
      },
    });
  });

  it.each(
    badTokens(issuer, { audience: issuer.audience }).filter(({ detail }) => detail !== 'sender_constrained'),
  )('refuses $name ($section)', async ({ token, detail }) => {
    expect(await verifyAccessToken(token, options)).toMatchObject({ ok: false, detail });
  });

  it('takes no other spelling of a good signature (RFC 4648 §3.5)', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const jwt = issuer.mint();
    const last = alphabet.indexOf(jwt.at(-1) ?? '');
    for (const unused of [1, 2, 8, 15]) {
      const respelled = jwt.slice(0, -1) + alphabet.charAt(last ^ unused);
      expect(await verifyAccessToken(respelled, options)).toMatchObject({ detail: 'bad_signature' });
    }
  });

  it('reads a header and a payload in UTF-8 alone (RFC 8725 §3.7)', async () => {
    const { kid, privateKey } = issuer.signingKey;
    const parts = [{ typ: 'at+jwt', alg: 'ES256', kid }, decodeJwt(issuer.mint())];
    const tokenIn = (...encodings: [BufferEncoding, BufferEncoding]) => {
      const input = parts
        .map((part, index) => Buffer.from(JSON.stringify(part), encodings[index]).toString('base64url'))
        .join('.');
      const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${input}.${signature.toString('base64url')}`;
    };
    expect(await verifyAccessToken(tokenIn('utf8', 'utf8'), options)).toMatchObject({ ok: true });
    expect(await verifyAccessToken(tokenIn('utf8', 'utf16le'), options)).toMatchObject({
      detail: 'malformed',
    });
    expect(await verifyAccessToken(tokenIn('utf16le', 'utf8'), options)).toMatchObject({
      detail: 'malformed',
    });
  });

  it('takes the media type in full and in any case (RFC 9068 §4)', async () => {
    for (const typ of ['application/at+jwt', 'AT+JWT']) {
      expect(await verifyAccessToken(issuer.mint({}, { typ }), options)).toMatchObject({ ok: true });
    }
  });

  it('takes any one audience when none is expected', async () => {
    const { audience: _, ...anyAudience } = options;
    const jwt = issuer.mint({ aud: 'https://elsewhere.example' });
    expect(await verifyAccessToken(jwt, anyAudience)).toMatchObject({
      token: { audience: 'https://elsewhere.example' },
    });
  });

  it('tolerates five seconds of difference between clocks and not six', async () => {
    const expired = issuer.mint({ exp: NOW });
    expect(await verifyAccessToken(expired, { ...options, now: NOW + 4 })).toMatchObject({ ok: true });
    expect(await verifyAccessToken(expired, { ...options, now: NOW + 5 })).toMatchObject({
      detail: 'expired',
    });
    expect(await verifyAccessToken(issuer.mint({ iat: NOW + 5 }), options)).toMatchObject({ ok: true });
    expect(await verifyAccessToken(issuer.mint({ iat: NOW + 6 }), options)).toMatchObject({
      detail: 'not_yet_valid',
    });
    expect(await verifyAccessToken(issuer.mint({ nbf: NOW + 6 }), options)).toMatchObject({
      detail: 'not_yet_valid',
    });
  });

  it('reads a token without scope as one that permits nothing', async () => {
    expect(await verifyAccessToken(issuer.mint({ scope: undefined }), options)).toMatchObject({
      token: { scopes: [] },
    });
  });

  it('throws an outage of the key source instead of refusing the token', async () => {
    const key = () => Promise.reject(new Error('no keys today'));
    await expect(verifyAccessToken(issuer.mint(), { ...options, key })).rejects.toThrow('no keys today');
  });
});
