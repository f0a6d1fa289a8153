import { LRUCache } from 'lru-cache';
import type { ProofMaker } from './dpop-key.ts';
import { assertOptions, watchClock } from './options.ts';

/** A token that was obtained for the next service. */
export interface DelegatedToken {
  readonly accessToken: string;
  /** In lower case: `bearer`, `dpop`, or `n_a` when it is no access token (RFC 8693 §2.2.1). */
  readonly tokenType: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
  readonly scopes: readonly string[];
  /** For a token that is bound to this client's key: makes the proof that a request with it needs. Else undefined. */
  readonly prove?: ProofMaker | undefined;
  /** RFC 8693 §2.2.1; other grants have none. */
  readonly issuedTokenType: string | undefined;
}

/** The sessions and users that a token hangs from, as the tokens that it was obtained with say. */
export interface CacheTags {
  readonly sessions: readonly string[];
  readonly subjects: readonly string[];
}

export interface TokenCacheOptions {
  /** No token is kept longer, however long it lives. Default 60; 0 keeps none. */
  readonly maximumAgeSeconds?: number | undefined;
  /** A token is not used in its last seconds. Default 10. */
  readonly marginSeconds?: number | undefined;
  /** Default 5000. */
  readonly maximumTokens?: number | undefined;
  /** Epoch seconds. */
  readonly now?: (() => number) | undefined;
}

/** `issuer`: the issuer is asked for this caller. `shared`: it had just been asked for another one. `cache`: it is not asked. */
export type TokenOriginKind = 'issuer' | 'shared' | 'cache';

/** A token on its way to a caller. */
export interface FoundToken {
  readonly from: TokenOriginKind;
  readonly promise: Promise<DelegatedToken>;
}

interface Entry {
  readonly tags: CacheTags;
  readonly promise: Promise<DelegatedToken>;
  /** Undefined while it is on its way. */
  token?: DelegatedToken;
  /** Epoch seconds. */
  until: number;
}

/** Nothing is kept for a session that has ended until every token of it has expired. */
const ENDED_SESSION_SECONDS = 3600;
const MAXIMUM_ENDED = 10_000;

/** Keeps tokens by a key that stands for everything they were asked for with. A clock that is set back empties it. */
export function createTokenCache(options: TokenCacheOptions) {
  const { maximumAgeSeconds = 60, marginSeconds = 10, maximumTokens = 5000 } = options;
  assertOptions('number', { maximumAgeSeconds, marginSeconds, maximumTokens });
  const entries = new LRUCache<string, Entry>({ max: maximumTokens });
  const keys = new WeakMap<DelegatedToken, string>();
  const now = watchClock(() => entries.clear(), options.now);
  /** When tokens of a session or subject that has ended may be kept again. */
  const ended = {
    sessions: new LRUCache<string, number>({ max: MAXIMUM_ENDED }),
    subjects: new LRUCache<string, number>({ max: MAXIMUM_ENDED }),
  };

  function end(kind: keyof CacheTags, name: string): void {
    ended[kind].set(name, now() + ENDED_SESSION_SECONDS);
    for (const [key, { tags }] of entries) if (tags[kind].includes(name)) entries.delete(key);
  }

  function hasEnded(tags: CacheTags, at: number): boolean {
    const isEnded = (kind: keyof CacheTags) => tags[kind].some((name) => (ended[kind].get(name) ?? 0) > at);
    return isEnded('sessions') || isEnded('subjects');
  }

  /** Nothing is kept for an entry that was dropped while its token was on its way. */
  function settle(key: string, entry: Entry, token: DelegatedToken | undefined): void {
    const at = now();
    if (entries.peek(key) !== entry) return;
    entry.until = token === undefined ? 0 : Math.min(token.expiresAt - marginSeconds, at + maximumAgeSeconds);
    if (token === undefined || entry.until <= at || hasEnded(entry.tags, at)) return void entries.delete(key);
    entry.token = token;
    keys.set(token, key);
  }

  return {
    /** The token that is kept under this key, or that another call is waiting for. */
    find(key: string): FoundToken | undefined {
      const at = now();
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (entry.token === undefined) return { from: 'shared', promise: entry.promise };
      return entry.until > at ? { from: 'cache', promise: entry.promise } : undefined;
    },
    /** Keeps the token that `request` gives. Until then other calls for this key share it. A failure is not kept. */
    add(key: string, tags: CacheTags, request: () => Promise<DelegatedToken>): FoundToken {
      const promise = request();
      const entry: Entry = { tags, promise, until: 0 };
      entries.set(key, entry);
      promise.then(
        (token) => settle(key, entry, token),
        () => settle(key, entry, undefined),
      );
      return { from: 'issuer', promise };
    },
    /** Drops one token, if it is still the one that is kept. */
    forget(token: DelegatedToken): void {
      const key = keys.get(token);
      if (key !== undefined && entries.peek(key)?.token === token) entries.delete(key);
    },
    /** Drops what hangs from a login session, and keeps nothing for it until every token of it has expired. */
    forgetSession: (sessionId: string): void => end('sessions', sessionId),
    /** The same for all sessions of a user. */
    forgetSubject: (subject: string): void => end('subjects', subject),
  };
}
