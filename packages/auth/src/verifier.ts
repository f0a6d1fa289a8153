import { hash } from 'node:crypto';
import type { JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import {
  DEFAULT_ALGORITHMS,
  verifyAccessToken,
  type AccessToken,
  type AccessTokenDetail,
} from './access-token.ts';
import { createKeySet, type KeySetOptions } from './key-set.ts';
import { assertOptions, CLOCK_TOLERANCE_SECONDS, watchClock } from './options.ts';
import { createWarner } from './outgoing.ts';
import { type AccessTokenProfile, differencesOf, resolveProfile } from './profile.ts';
import { refuse, type Refusal } from './refusal.ts';

export interface AccessTokenVerifierOptions extends KeySetOptions {
  /** This API's resource identifier: the one audience to accept. */
  readonly audience: string;
  /** Default: ES256 alone. */
  readonly algorithms?: readonly string[] | undefined;
  /** For the access tokens of a server that does not follow RFC 9068. */
  readonly profile?: AccessTokenProfile | undefined;
  /** How many verified tokens to remember; 0 remembers none. Default 2000. */
  readonly maximumCachedTokens?: number | undefined;
}

export type VerifiedBearerToken =
  | { readonly ok: true; readonly token: AccessToken; /** See digestOf. */ readonly digest: string }
  | Refusal<AccessTokenDetail | 'sender_constrained'>;

/** The name of a token in every cache, so that no cache is searched by the token itself. */
export function digestOf(token: string): string {
  return hash('sha256', token, 'base64url');
}

/**
 * A verifier for one API. It remembers good tokens by digest until they expire, the issuer's keys change or the clock is
 * set back, so that a repeated token costs a hash and a look-up. Bad tokens are not remembered.
 * Throws TypeError for a malformed option.
 */
export function createAccessTokenVerifier(options: AccessTokenVerifierOptions) {
  const { issuer, audience, algorithms = DEFAULT_ALGORITHMS, maximumCachedTokens = 2000 } = options;
  assertOptions('name', { issuer, audience });
  assertOptions('names', { algorithms });
  assertOptions('number', { maximumCachedTokens });
  const warnOnce = createWarner(options.onWarning);
  const profile = resolveProfile(options.profile);
  const keySet = createKeySet({ ...options, needsKid: profile.needsKid });
  const remembered =
    maximumCachedTokens > 0 ? new LRUCache<string, Remembered>({ max: maximumCachedTokens }) : undefined;
  const now = watchClock(() => remembered?.clear(), options.now);

  function recall(digest: string): VerifiedBearerToken | undefined {
    const at = now();
    const entry = remembered?.get(digest);
    if (entry === undefined) return undefined;
    if (entry.goodBefore > at && keySet.version() === entry.keys) return entry.verdict;
    remembered?.delete(digest);
    return undefined;
  }

  async function verifyAnew(jwt: string, digest: string): Promise<VerifiedBearerToken> {
    let keys: object | undefined;
    const key: JWTVerifyGetKey = async (header, token) => {
      await keySet.find(header, token);
      // The keys that decide may be replaced while the signature is checked: the token is remembered with these.
      keys = keySet.version();
      return keySet.find(header, token);
    };
    const verified = await verifyAccessToken(jwt, {
      issuer,
      audience,
      algorithms,
      key,
      profile: options.profile,
      now: now(),
    });
    if (!verified.ok) {
      // The signature is good, so this is no attack.
      if (OF_ANOTHER_SHAPE.has(verified.detail))
        warnOnce(
          `a token that the keys of ${issuer} verify is refused: ${differencesOf(jwt, { issuer, audience, profile })}`,
        );
      return verified;
    }
    const { token } = verified;
    if (token.confirmation !== undefined)
      return refuse('sender_constrained', 'the token is bound to a key and is no bearer token');
    const verdict = Object.freeze({ ok: true, token: freezeAll(token), digest } as const);
    if (keys !== undefined)
      remembered?.set(digest, { verdict, keys, goodBefore: token.expiresAt + CLOCK_TOLERANCE_SECONDS });
    return verdict;
  }

  return {
    issuer,
    audience,
    /** The issuer's keys, to share with whatever else verifies its signatures. */
    keySet,
    /** Epoch seconds. */
    now,
    /**
     * Verifies a bearer access token for this API. A token that is bound to a key (`cnf`) is refused.
     *
     * Not checked: scope, actor, revocation. Throws TokenCheckUnavailableError when the keys cannot be had.
     */
    async verify(jwt: string): Promise<VerifiedBearerToken> {
      const digest = digestOf(jwt);
      return recall(digest) ?? verifyAnew(jwt, digest);
    },
  };
}

/** Found once the signature is good. */
const OF_ANOTHER_SHAPE: ReadonlySet<string> = new Set([
  'wrong_issuer',
  'wrong_audience',
  'wrong_type',
  'missing_claim',
  'malformed_claim',
]);

export type AccessTokenVerifier = ReturnType<typeof createAccessTokenVerifier>;

interface Remembered {
  readonly verdict: VerifiedBearerToken;
  /** Epoch seconds. */
  readonly goodBefore: number;
  readonly keys: object;
}

/** Requests share a remembered token, so none of them may change it. */
function freezeAll<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) freezeAll(member);
  return Object.freeze(value);
}
