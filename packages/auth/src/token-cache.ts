import { LRUCache } from 'lru-cache';
import { systemClock } from './outgoing.ts';

/** A token that was obtained for the next service. */
export interface DelegatedToken {
  readonly accessToken: string;
  /** In lower case: `bearer`, or `dpop`. */
  readonly tokenType: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
  readonly scopes: readonly string[];
  /** RFC 8693 §2.2.1; other grants have none. */
  readonly issuedTokenType: string | undefined;
}

/** What a token hangs from, as the tokens that it was obtained with say. */
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
  /** How long to keep nothing for a session that has ended: as long as any token of it may live. Default 3600. */
  readonly endedSessionSeconds?: number | undefined;
  /** Epoch seconds. */
  readonly now?: (() => number) | undefined;
}

/** Where a token came from: the issuer was asked now (`issuer`), another call had just asked (`shared`), or nobody was (`cache`). */
export type TokenOriginKind = 'issuer' | 'shared' | 'cache';

/** A token on its way to a caller, and where it comes from. */
export interface FoundToken {
  readonly from: TokenOriginKind;
  readonly promise: Promise<DelegatedToken>;
}

export interface TokenCache {
  /**
   * The token kept under this key, else the one that `obtain` gives; concurrent calls for one key share one `obtain`.
   * A failure reaches everyone who waits for it and is not kept.
   */
  get(key: string, originOf: () => CacheTags, obtain: () => Promise<DelegatedToken>): FoundToken;
  /** Drops one token, if it is still the one that is kept. */
  forget(token: DelegatedToken): void;
  /** Drops what hangs from a login session and keeps nothing for it any more. */
  forgetSession(sessionId: string): void;
  /** The same for all sessions of a user. */
  forgetSubject(subject: string): void;
}

interface Kept {
  readonly token: DelegatedToken;
  readonly until: number;
  readonly origin: CacheTags;
}

interface Pending {
  readonly promise: Promise<DelegatedToken>;
  readonly origin: CacheTags;
}

const MAXIMUM_ENDED = 10_000;

export function createTokenCache(options: TokenCacheOptions = {}): TokenCache {
  const {
    maximumAgeSeconds = 60,
    marginSeconds = 10,
    endedSessionSeconds = 3600,
    now = systemClock,
  } = options;
  const kept = new LRUCache<string, Kept>({ max: options.maximumTokens ?? 5000 });
  const keys = new WeakMap<DelegatedToken, string>();
  const pending = new Map<string, Pending>();
  /** When it is safe again to keep tokens of a session or subject that has ended. */
  const ended = {
    sessions: new LRUCache<string, number>({ max: MAXIMUM_ENDED }),
    subjects: new LRUCache<string, number>({ max: MAXIMUM_ENDED }),
  };

  function hasEnded({ sessions, subjects }: CacheTags): boolean {
    const isEnded = (ends: LRUCache<string, number>) => (name: string) => (ends.get(name) ?? 0) > now();
    return sessions.some(isEnded(ended.sessions)) || subjects.some(isEnded(ended.subjects));
  }

  function keep(key: string, token: DelegatedToken, origin: CacheTags): void {
    const until = Math.min(token.expiresAt - marginSeconds, now() + maximumAgeSeconds);
    if (until <= now() || hasEnded(origin)) return;
    kept.set(key, { token, until, origin });
    keys.set(token, key);
  }

  async function obtainAndKeep(key: string, origin: CacheTags, obtain: () => Promise<DelegatedToken>) {
    const token = await obtain();
    keep(key, token, origin);
    return token;
  }

  function end(kind: 'sessions' | 'subjects', name: string): void {
    ended[kind].set(name, now() + endedSessionSeconds);
    for (const [key, { origin }] of kept) if (origin[kind].includes(name)) kept.delete(key);
    for (const [key, { origin }] of pending) if (origin[kind].includes(name)) pending.delete(key);
  }

  return {
    get(key, originOf, obtain) {
      const entry = kept.get(key);
      if (entry !== undefined && entry.until > now()) {
        return { from: 'cache', promise: Promise.resolve(entry.token) };
      }
      const waiting = pending.get(key);
      if (waiting !== undefined) return { from: 'shared', promise: waiting.promise };
      const origin = originOf();
      const promise = obtainAndKeep(key, origin, obtain).finally(() => {
        if (pending.get(key)?.promise === promise) pending.delete(key);
      });
      pending.set(key, { promise, origin });
      return { from: 'issuer', promise };
    },
    forget(token) {
      const key = keys.get(token);
      if (key !== undefined && kept.peek(key)?.token === token) kept.delete(key);
    },
    forgetSession: (sessionId) => end('sessions', sessionId),
    forgetSubject: (subject) => end('subjects', subject),
  };
}
