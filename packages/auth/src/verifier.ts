import { hash } from 'node:crypto';
import { errors, type JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import {
  DEFAULT_TOLERANCE_SECONDS,
  verifyAccessToken,
  type AccessToken,
  type AccessTokenDetail,
} from './access-token.ts';
import { createKeySet, type KeySet, type KeySetOptions, type PublishedKey } from './key-set.ts';
import { systemClock } from './outgoing.ts';

export interface AccessTokenVerifierOptions extends KeySetOptions {
  /** This API's resource identifier: the one audience to accept. */
  readonly audience: string;
  /** Default: ES256 alone. */
  readonly algorithms?: readonly string[] | undefined;
  /** Default 5. */
  readonly toleranceSeconds?: number | undefined;
  /** How many verified tokens to remember; 0 remembers none. Default 5000. */
  readonly maximumCachedTokens?: number | undefined;
}

export type VerifiedBearerToken =
  | { readonly ok: true; readonly token: AccessToken }
  | {
      readonly ok: false;
      readonly detail: AccessTokenDetail | 'sender_constrained';
      readonly description: string;
    };

export interface AccessTokenVerifier {
  readonly issuer: string;
  readonly audience: string;
  /** The issuer's keys, to share with whatever else verifies what it signs. */
  readonly keySet: KeySet;
  /**
   * Verifies a bearer access token for this API. A token that is bound to a key (`cnf`) is none.
   *
   * Not checked: scope, actor, revocation. Throws TokenCheckUnavailableError when the keys cannot be had.
   */
  verify(jwt: string): Promise<VerifiedBearerToken>;
}

interface Remembered {
  readonly verdict: VerifiedBearerToken;
  readonly expiresAt: number;
  readonly key: PublishedKey;
}

/**
 * A verifier for one API. It remembers good tokens by digest until they expire or their key is no longer published,
 * so that a repeated token costs a hash and a look-up; bad ones are not remembered.
 */
export function createAccessTokenVerifier(options: AccessTokenVerifierOptions): AccessTokenVerifier {
  const { issuer, audience, now = systemClock, maximumCachedTokens = 5000 } = options;
  const toleranceSeconds = options.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS;
  const keySet = createKeySet(options);
  const remembered =
    maximumCachedTokens > 0 ? new LRUCache<string, Remembered>({ max: maximumCachedTokens }) : undefined;

  function recall(digest: string): VerifiedBearerToken | undefined {
    const entry = remembered?.get(digest);
    if (entry === undefined) return undefined;
    const stands = entry.expiresAt > now() - toleranceSeconds && keySet.current(entry.key.kid) === entry.key;
    if (stands) return entry.verdict;
    remembered?.delete(digest);
    return undefined;
  }

  async function verifyAnew(jwt: string, digest: string): Promise<VerifiedBearerToken> {
    const used: { key?: PublishedKey } = {};
    const verdict = await verifyAccessToken(jwt, {
      issuer,
      audience,
      key: keyOf(keySet, used),
      now: now(),
      toleranceSeconds,
      ...(options.algorithms === undefined ? {} : { algorithms: options.algorithms }),
    });
    if (!verdict.ok) return verdict;
    if (verdict.token.confirmation !== undefined) {
      return {
        ok: false,
        detail: 'sender_constrained',
        description: 'the token is bound to a key and is no bearer token',
      };
    }
    if (used.key !== undefined)
      remembered?.set(digest, { verdict, expiresAt: verdict.token.expiresAt, key: used.key });
    return verdict;
  }

  return {
    issuer,
    audience,
    keySet,
    async verify(jwt) {
      const digest = hash('sha256', jwt, 'base64url');
      return recall(digest) ?? verifyAnew(jwt, digest);
    },
  };
}

/** Finds a token's key by its `kid`, which every token of the issuer has, and notes which one it was. */
export function keyOf(keySet: KeySet, used: { key?: PublishedKey } = {}): JWTVerifyGetKey {
  return async (header, token) => {
    const key = typeof header?.kid === 'string' ? await keySet.find(header.kid) : undefined;
    if (key === undefined) throw new errors.JWKSNoMatchingKey();
    used.key = key;
    return key.resolve(header, token);
  };
}
