import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBearerToken } from '../src/guard.ts';
import { resourceMetadataUrl } from '../src/protected-resource.ts';
import { bearerChallenge } from '../src/refusal.ts';

/** Any UTF-16 code unit, half of them in the range that is quoted. */
const character = fc
  .oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0x80, max: 0xffff }))
  .map((code) => String.fromCharCode(code));

const METADATA = 'https://api.example/.well-known/oauth-protected-resource';

describe('parseBearerToken', () => {
  it.each(['Bearer abc', 'bearer abc', 'BEARER abc', 'Bearer   abc'])(
    'reads %j (RFC 6750 §2.1, RFC 9110 §11.1)',
    (header) => {
      expect(parseBearerToken([header], '/')).toEqual({ token: 'abc' });
    },
  );

  it('takes every character of b64token', () => {
    const token = 'aZ09-._~+/==';
    expect(parseBearerToken([`Bearer ${token}`], '/')).toEqual({ token });
  });

  it.each([[[]], [['Basic abc']], [['DPoP abc']], [['Negotiate']]])(
    'finds no bearer credentials in %j (RFC 6750 §3.1)',
    (headers) => {
      expect(parseBearerToken(headers, '/')).toMatchObject({ problem: 'missing-token' });
    },
  );

  it('does not read a token from the query (RFC 9700 §4.3.2)', () => {
    expect(parseBearerToken([], '/?access_token=abc')).toMatchObject({ problem: 'missing-token' });
  });

  it('refuses a token that is sent twice over (RFC 6750 §3.1)', () => {
    expect(parseBearerToken(['Bearer abc'], '/x?a=1&access_token=abc')).toMatchObject({
      problem: 'invalid-request',
    });
    expect(parseBearerToken(['Bearer abc'], '/x?access%5Ftoken=abc')).toMatchObject({
      problem: 'invalid-request',
    });
    expect(parseBearerToken(['Bearer a b'], '/x?access_token=abc')).toMatchObject({
      problem: 'invalid-request',
    });
    expect(parseBearerToken(['Bearer abc', 'Bearer abc'], '/')).toMatchObject({ problem: 'invalid-request' });
    expect(parseBearerToken(['Bearer abc', 'Basic abc'], '/')).toMatchObject({ problem: 'invalid-request' });
  });

  it.each([
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer a,b',
    'Bearer "a"',
    'Bearer =',
    'Bearer a=b',
    'Bearer a\n',
    'Bearer käse',
  ])('finds a malformed token in %j (RFC 6750 §3.1)', (header) => {
    expect(parseBearerToken([header], '/')).toMatchObject({ problem: 'invalid-token' });
  });

  it.each(['', 'Bearer\tabc', ': x', '"Bearer" abc'])('cannot read %j (RFC 9110 §11.4)', (header) => {
    expect(parseBearerToken([header], '/')).toMatchObject({ problem: 'invalid-request' });
  });
});

describe('bearerChallenge', () => {
  it('carries no error code when there is no error (RFC 6750 §3.1)', () => {
    expect(bearerChallenge({ resourceMetadata: METADATA })).toBe(`Bearer resource_metadata="${METADATA}"`);
  });

  it('names error, description, scope and metadata (RFC 6750 §3, RFC 9728 §5.1)', () => {
    const challenge = {
      error: 'insufficient_scope',
      description: 'no',
      scopes: ['a', 'b'],
      resourceMetadata: METADATA,
    } as const;
    expect(bearerChallenge(challenge)).toBe(
      `Bearer error="insufficient_scope", error_description="no", scope="a b", resource_metadata="${METADATA}"`,
    );
  });

  it('lets nothing out of its quotes, whatever the description (RFC 6750 §3)', () => {
    fc.assert(
      fc.property(fc.string({ unit: character }), (description) => {
        const value = bearerChallenge({ error: 'invalid_token', description, resourceMetadata: METADATA });
        expect(value).toMatch(
          /^Bearer error="invalid_token", error_description="[\x20\x21\x23-\x5B\x5D-\x7E]*", resource_metadata="[^"]*"$/,
        );
      }),
    );
  });
});

describe('resourceMetadataUrl', () => {
  it.each([
    ['http://localhost:4001', 'http://localhost:4001/.well-known/oauth-protected-resource'],
    ['https://api.example/', 'https://api.example/.well-known/oauth-protected-resource'],
    ['https://api.example/v1', 'https://api.example/.well-known/oauth-protected-resource/v1'],
  ])('of %s is %s (RFC 9728 §3.1)', (resource, url) => {
    expect(resourceMetadataUrl(resource)).toBe(url);
  });
});
