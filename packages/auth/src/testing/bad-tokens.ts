import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { MAXIMUM_ACTOR_CHAIN_DEPTH } from '../actor-chain.ts';
import type { VerifiedBearerToken } from '../verifier.ts';
import {
  accessTokenHash,
  type Changes,
  createSigningKey,
  encode,
  signToken,
  type TestIssuer,
} from './test-issuer.ts';

export interface BadToken {
  /** Its fault, as a fact. */
  readonly name: string;
  readonly token: string;
  /** Where it is said that such a token is refused. */
  readonly section: string;
  /** The detail that a verifier gives. */
  readonly detail: (VerifiedBearerToken & { ok: false })['detail'];
}

/** No token is spelled like these (RFC 6750 §2.1): 401 `invalid_token` for each of them after `Authorization: Bearer`. */
export const MALFORMED_TOKENS = ['', ' ', 'a b', 'a,b', '"quoted"', '=', 'a=b'] as const;

/**
 * Every kind of token that an API with this audience must refuse with 401 `invalid_token`. Iterate over it:
 * `it.each(badTokens(issuer, { audience }))('refuses $name ($section)', …)`.
 */
export function badTokens(
  issuer: TestIssuer,
  { audience }: { readonly audience: string },
): readonly BadToken[] {
  return [
    ...wrongEnvelope(issuer, audience),
    ...wrongSignature(issuer, audience),
    ...wrongTime(issuer, audience),
    ...wrongAddress(issuer, audience),
    ...missingClaims(issuer, audience),
    ...malformedClaims(issuer, audience),
    ...malformedActors(issuer, audience),
  ];
}

function wrongEnvelope(issuer: TestIssuer, aud: string): BadToken[] {
  const token = issuer.mint({ aud });
  const bad = (name: string, value: string, section: string, detail: BadToken['detail']) => ({
    name,
    token: value,
    section,
    detail,
  });
  const idToken = issuer.mint({ aud, nonce: 'n', at_hash: accessTokenHash(token) }, { typ: 'JWT' });
  const critical = issuer.mint({ aud }, { crit: ['unheard-of'], 'unheard-of': true });
  return [
    bad('an ID token', idToken, 'RFC 9068 §4', 'wrong_type'),
    bad('a token without typ', issuer.mint({ aud }, { typ: undefined }), 'RFC 9068 §4', 'wrong_type'),
    bad('a logout token', issuer.mintLogoutToken(aud), 'RFC 8725 §3.11', 'wrong_type'),
    bad('an unsecured token (alg none)', unsecured(issuer, aud), 'RFC 8725 §3.2', 'wrong_algorithm'),
    bad(
      'an HS256 token made with the public key',
      hmacWithPublicKey(issuer, aud),
      'RFC 8725 §2.1',
      'wrong_algorithm',
    ),
    bad('an RS256 token', rs256(issuer, aud), 'RFC 8725 §3.1', 'wrong_algorithm'),
    bad('a token with a critical header nobody knows', critical, 'RFC 7515 §4.1.11', 'malformed'),
    bad('a token of two parts', token.split('.').slice(0, 2).join('.'), 'RFC 7515 §7.1', 'malformed'),
    bad('an opaque string', 'Zm9vYmFy', 'RFC 9068 §2', 'malformed'),
    bad('a token with five parts', `${token}.a.b`, 'RFC 7515 §7.1', 'malformed'),
    bad('a token whose payload is a list', payloadOf(issuer, []), 'RFC 7519 §7.2', 'malformed'),
    bad(
      'a token that is too large',
      issuer.mint({ aud, filler: 'x'.repeat(8000) }),
      'RFC 8725 §3.10',
      'malformed',
    ),
    bad(
      'a token bound to a key',
      issuer.mint({ aud, cnf: { jkt: 'x' } }),
      'RFC 9449 §7.2',
      'sender_constrained',
    ),
  ];
}

function wrongSignature(issuer: TestIssuer, aud: string): BadToken[] {
  const [header = '', payload = '', signature = ''] = issuer.mint({ aud }).split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Changes;
  const foreign = createSigningKey(issuer.signingKey.kid);
  const flipped = Buffer.from(signature, 'base64url');
  flipped[0] = (flipped[0] ?? 0) ^ 1;
  const underKey = (kid: unknown) =>
    signToken({ typ: 'at+jwt', alg: 'ES256', kid }, claims, createSigningKey().privateKey);
  const embedded = createSigningKey();
  const selfSigned = signToken(
    { typ: 'at+jwt', alg: 'ES256', kid: embedded.kid, jwk: embedded.publicJwk },
    claims,
    embedded.privateKey,
  );
  const bad = (name: string, token: string, section: string, detail: BadToken['detail']) => ({
    name,
    token,
    section,
    detail,
  });
  return [
    bad(
      'a token with a changed payload',
      `${header}.${encode({ ...claims, sub: 'user-2' })}.${signature}`,
      'RFC 7515 §5.2',
      'bad_signature',
    ),
    bad(
      'a token with a changed signature',
      `${header}.${payload}.${flipped.toString('base64url')}`,
      'RFC 7515 §5.2',
      'bad_signature',
    ),
    bad('a token without a signature', `${header}.${payload}.`, 'RFC 7515 §5.2', 'bad_signature'),
    bad(
      'a token signed by a foreign key under a known kid',
      signToken({ typ: 'at+jwt', alg: 'ES256', kid: foreign.kid }, claims, foreign.privateKey),
      'RFC 7515 §5.2',
      'bad_signature',
    ),
    bad('a token signed by an unknown key', underKey('unknown'), 'RFC 7515 §6', 'unknown_key'),
    bad('a token without kid', underKey(undefined), 'RFC 9068 §2.1', 'unknown_key'),
    bad('a token that brings its own key', selfSigned, 'RFC 8725 §3.10', 'unknown_key'),
  ];
}

function wrongTime(issuer: TestIssuer, aud: string): BadToken[] {
  const now = issuer.now();
  const bad = (name: string, claims: Changes, section: string, detail: BadToken['detail']) => ({
    name,
    token: issuer.mint({ aud, ...claims }),
    section,
    detail,
  });
  return [
    bad('an expired token', { iat: now - 600, exp: now - 60 }, 'RFC 7519 §4.1.4', 'expired'),
    bad('a token that is not valid yet', { nbf: now + 60 }, 'RFC 7519 §4.1.5', 'not_yet_valid'),
    bad('a token issued in the future', { iat: now + 60 }, 'RFC 7519 §4.1.6', 'not_yet_valid'),
  ];
}

function wrongAddress(issuer: TestIssuer, aud: string): BadToken[] {
  const bad = (name: string, claims: Changes, section: string, detail: BadToken['detail']) => ({
    name,
    token: issuer.mint(claims),
    section,
    detail,
  });
  return [
    bad('a token of another issuer', { aud, iss: 'https://other.example' }, 'RFC 9068 §4', 'wrong_issuer'),
    bad(
      'a token of the issuer with a slash more',
      { aud, iss: `${issuer.issuer}/` },
      'RFC 9068 §4',
      'wrong_issuer',
    ),
    bad('a token for another API', { aud: 'https://elsewhere.example' }, 'RFC 9068 §4', 'wrong_audience'),
  ];
}

function missingClaims(issuer: TestIssuer, aud: string): BadToken[] {
  return ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id'].map((claim) => ({
    name: `a token without ${claim}`,
    token: issuer.mint({ aud, [claim]: undefined }),
    section: 'RFC 9068 §2.2',
    detail: 'missing_claim',
  }));
}

function malformedClaims(issuer: TestIssuer, aud: string): BadToken[] {
  const bad = (name: string, claims: Changes): BadToken => ({
    name,
    token: issuer.mint({ aud, ...claims }),
    section: 'RFC 9068 §2.2',
    detail: 'malformed_claim',
  });
  return [
    bad('a token for several audiences', { aud: [aud, 'https://elsewhere.example'] }),
    bad('a token whose one audience is in a list', { aud: [aud] }),
    bad('a token with an empty sub', { sub: '' }),
    bad('a token whose sub is a number', { sub: 1 }),
    bad('a token whose client_id is an object', { client_id: {} }),
    bad('a token whose scope is a list', { scope: ['api'] }),
    bad('a token whose exp is text', { exp: 'tomorrow' }),
    bad('a token whose iat is text', { iat: 'yesterday' }),
    bad('a token whose jti is empty', { jti: '' }),
    bad('a token whose sid is a number', { sid: 1 }),
    bad('a token whose amr is text', { amr: 'pwd' }),
    bad('a token whose auth_time is text', { auth_time: 'today' }),
    bad('a token whose cnf is text', { cnf: 'key' }),
  ];
}

function malformedActors(issuer: TestIssuer, aud: string): BadToken[] {
  const bad = (name: string, act: unknown): BadToken => ({
    name: `a token ${name}`,
    token: issuer.mint({ aud, act }),
    section: 'RFC 8693 §4.1',
    detail: 'malformed_actor',
  });
  return [
    bad('whose act is text', 'api1.client'),
    bad('whose act is null', null),
    bad('whose act is a list', [{ sub: 'api1.client' }]),
    bad('whose act has no sub', { client_id: 'api1.client' }),
    bad('whose act has an empty sub', { sub: '' }),
    bad('whose act has a sub that is no text', { sub: ['api1.client'] }),
    bad('whose prior actor is malformed', { sub: 'api2.client', act: { sub: 7 } }),
    ...['exp', 'nbf', 'iat', 'aud'].map((claim) =>
      bad(`whose act has ${claim}`, { sub: 'api1.client', [claim]: 1 }),
    ),
    bad('whose chain of actors is too deep', deepChain(MAXIMUM_ACTOR_CHAIN_DEPTH + 1)),
  ];
}

/** An `act` claim with this many actors. */
export function deepChain(depth: number): unknown {
  let act: unknown;
  for (let level = 0; level < depth; level += 1) act = { sub: `actor-${level}`, act };
  return act;
}

function unsecured(issuer: TestIssuer, aud: string): string {
  const payload = issuer.mint({ aud }).split('.')[1] ?? '';
  return `${encode({ typ: 'at+jwt', alg: 'none', kid: issuer.signingKey.kid })}.${payload}.`;
}

function hmacWithPublicKey(issuer: TestIssuer, aud: string): string {
  const payload = issuer.mint({ aud }).split('.')[1] ?? '';
  const input = `${encode({ typ: 'at+jwt', alg: 'HS256', kid: issuer.signingKey.kid })}.${payload}`;
  const secret = createPublicKey(issuer.signingKey.privateKey).export({ format: 'pem', type: 'spki' });
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

function payloadOf(issuer: TestIssuer, payload: unknown): string {
  const { kid, privateKey } = issuer.signingKey;
  return signToken({ typ: 'at+jwt', alg: 'ES256', kid }, payload, privateKey);
}

let rsaKey: KeyObject | undefined;

function rs256(issuer: TestIssuer, aud: string): string {
  rsaKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const claims = JSON.parse(
    Buffer.from(issuer.mint({ aud }).split('.')[1] ?? '', 'base64url').toString(),
  ) as Changes;
  return signToken({ typ: 'at+jwt', alg: 'RS256', kid: issuer.signingKey.kid }, claims, rsaKey);
}
