import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import type { JSONWebKeySet, JWK } from 'jose';
import { systemClock } from '../outgoing.ts';
import { listen, type TestIssuerServer } from './test-server.ts';

export interface TestIssuerOptions {
  /** Default `https://issuer.example`. It need not be where the issuer listens. */
  readonly issuer?: string;
  /** Audience of the tokens it mints unless they say otherwise. Default `https://api.example`. */
  readonly audience?: string;
  /** Epoch seconds. Default: the system's clock. */
  readonly now?: () => number;
}

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
}

/** Claims or header members to add; undefined takes one away. */
export type Changes = Readonly<Record<string, unknown>>;

/** An issuer in memory, with ES256 keys of its own. Every token is made on the spot; nothing is stored. */
export interface TestIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly now: () => number;
  /** The key that signs now. */
  readonly signingKey: SigningKey;
  /** What it publishes. */
  jwks(): JSONWebKeySet;
  /** A good user's access token for this issuer's audience (RFC 9068), with changes. */
  mint(claims?: Changes, header?: Changes): string;
  /** A good logout token (OpenID Connect Back-Channel Logout 1.0 §2.4) for a client, with changes. */
  mintLogoutToken(clientId: string, claims?: Changes, header?: Changes): string;
  /** Signs from now on with a new key. The old one stays published unless told otherwise. */
  rotateKey(options?: { readonly keepOld?: boolean }): void;
  /** Serves discovery, keys, token endpoint and introspection on a free port of this machine. */
  listen(): Promise<TestIssuerServer>;
}

export function createTestIssuer(options: TestIssuerOptions = {}): TestIssuer {
  const { issuer = 'https://issuer.example', audience = 'https://api.example', now = systemClock } = options;
  let keys: readonly [SigningKey, ...SigningKey[]] = [createSigningKey()];

  const signed = (claims: Changes, header: Changes) =>
    signToken({ alg: 'ES256', kid: keys[0].kid, ...header }, claims, keys[0].privateKey);

  const self: TestIssuer = {
    issuer,
    audience,
    now,
    get signingKey() {
      return keys[0];
    },
    jwks: () => ({ keys: keys.map((key) => key.publicJwk) }),
    mint: (claims = {}, header = {}) =>
      signed({ ...goodClaims(issuer, audience, now()), ...claims }, { typ: 'at+jwt', ...header }),
    mintLogoutToken: (clientId, claims = {}, header = {}) =>
      signed({ ...logoutClaims(issuer, clientId, now()), ...claims }, { typ: 'logout+jwt', ...header }),
    rotateKey({ keepOld = true } = {}) {
      keys = [createSigningKey(), ...(keepOld ? keys : [])];
    },
    listen: () => listen(self),
  };
  return self;
}

/** The payload of a good user's token. */
function goodClaims(issuer: string, audience: string, now: number): Changes {
  return {
    iss: issuer,
    sub: 'user-1',
    aud: audience,
    client_id: 'web.client',
    scope: 'api',
    iat: now,
    exp: now + 300,
    jti: randomUUID(),
    sid: 'session-1',
    auth_time: now,
    amr: ['pwd'],
  };
}

function logoutClaims(issuer: string, clientId: string, now: number): Changes {
  return {
    iss: issuer,
    aud: clientId,
    iat: now,
    exp: now + 120,
    jti: randomUUID(),
    sid: 'session-1',
    sub: 'user-1',
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  };
}

export function createSigningKey(kid: string = randomUUID()): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicJwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' } as JWK;
  return { kid, privateKey, publicJwk };
}

/** A compact JWS over any header and payload, however wrong they are. ES256 for an EC key, RS256 for an RSA key. */
export function signToken(header: Changes, payload: unknown, key: KeyObject): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

export function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** `at_hash` of an ID token (OpenID Connect Core §3.1.3.6), so that a bad token can look like a real one. */
export function accessTokenHash(token: string): string {
  return createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url');
}
