import { LRUCache } from 'lru-cache';
import { tokenIntrospection } from 'openid-client';
import { DelegationError } from './delegation-error.ts';
import type { Check, RequestAuth } from './guard.ts';
import { createOAuthClient, type OAuthClientOptions } from './oauth-client.ts';
import { assertOptions, watchClock } from './options.ts';
import { TokenCheckUnavailableError } from './outgoing.ts';
import { authProblem, tokenCheckUnavailable } from './refusal.ts';

/** Asks the issuer about a token (RFC 7662 §2.2; `exp` in epoch seconds). Throws when there is no answer. */
export type Introspect = (token: string) => Promise<{
  readonly active: unknown;
  readonly sub?: unknown;
  readonly jti?: unknown;
  readonly exp?: unknown;
}>;

/** Introspection as the client that the API is at the issuer. */
export function createIntrospection(options: OAuthClientOptions): Introspect {
  const client = createOAuthClient(options);
  return async (token) => {
    try {
      return await tokenIntrospection(await client(), token, { token_type_hint: 'access_token' });
    } catch (error) {
      throw unavailable(error);
    }
  };
}

function unavailable(cause: unknown): TokenCheckUnavailableError {
  if (cause instanceof TokenCheckUnavailableError) return cause;
  const { retryAfterSeconds } =
    cause instanceof Error && cause.cause instanceof DelegationError ? cause.cause : {};
  const message = 'the issuer gave no usable answer about a token';
  return new TokenCheckUnavailableError(message, { cause, retryAfterSeconds });
}

export interface LiveTokenCheckOptions {
  readonly introspect: Introspect;
  /** How long a read may rely on an earlier answer, never past the token's own end (RFC 7662 §4). Default 0: every call asks. */
  readonly cacheSeconds?: number | undefined;
  /** Epoch seconds. */
  readonly now?: (() => number) | undefined;
}

/** `requireLiveToken` takes any check of this shape. */
export interface LiveCheck {
  isLive(auth: RequestAuth, options: { readonly fresh: boolean }): Promise<boolean>;
}

const MAXIMUM_REMEMBERED = 5000;

/** Asks the issuer about tokens that have been verified. Throws TypeError for a malformed option. */
export function createLiveTokenCheck(options: LiveTokenCheckOptions) {
  const { introspect, cacheSeconds = 0 } = options;
  assertOptions('function', { introspect });
  assertOptions('number', { cacheSeconds });
  const remembered = new LRUCache<string, Remembered>({ max: MAXIMUM_REMEMBERED });
  const now = watchClock(() => remembered.clear(), options.now);
  let forgotten = 0;

  function forgetAll(matches: (entry: Remembered) => boolean): void {
    forgotten += 1;
    for (const [digest, entry] of remembered) if (matches(entry)) remembered.delete(digest);
  }

  return {
    /**
     * Whether a token is active at the issuer. With `fresh` the issuer is asked whatever is remembered. Throws
     * TokenCheckUnavailableError when it does not answer, or answers for another token.
     */
    async isLive(
      auth: Pick<RequestAuth, 'sub' | 'jti' | 'sessionId' | 'token' | 'tokenDigest'>,
      { fresh }: { readonly fresh: boolean },
    ): Promise<boolean> {
      const digest = auth.tokenDigest;
      const askedAt = now();
      if (!fresh && (remembered.get(digest)?.until ?? 0) > askedAt) return true;
      remembered.delete(digest);
      const forgottenBefore = forgotten;
      const answer = await introspect(auth.token).catch((error: unknown) => {
        throw unavailable(error);
      });
      if (answer.active !== true) return false;
      if (answer.sub !== auth.sub || answer.jti !== auth.jti)
        throw new TokenCheckUnavailableError('the issuer answered for another token');
      // An answer is not remembered when a session ended, or the clock was set back, while it was on its way.
      if (cacheSeconds > 0 && forgotten === forgottenBefore && now() >= askedAt)
        remembered.set(digest, {
          until: Math.min(
            askedAt + cacheSeconds,
            typeof answer.exp === 'number' ? answer.exp : Number.POSITIVE_INFINITY,
          ),
          sessionId: auth.sessionId,
          subject: auth.sub,
        });
      return true;
    },
    /** Remembers nothing more of a login session (`sid`). */
    forgetSession: (sessionId: string): void => forgetAll((entry) => entry.sessionId === sessionId),
    /** The same for all sessions of a user. */
    forgetSubject: (subject: string): void => forgetAll((entry) => entry.subject === subject),
  };
}

export type LiveTokenCheck = ReturnType<typeof createLiveTokenCheck>;

interface Remembered {
  /** Epoch seconds. */
  readonly until: number;
  readonly sessionId: string | undefined;
  readonly subject: string;
}

/**
 * A token that is active at the issuer; else 401, and 503 while the issuer does not answer. GET and HEAD may rely on an
 * earlier answer, no other method does.
 */
export function requireLiveToken(live: LiveCheck): Check {
  assertOptions('function', { 'live.isLive': live?.isLive });
  return async (auth, { resourceMetadata }, method) => {
    try {
      const fresh = method !== 'GET' && method !== 'HEAD';
      const isLive: unknown = await live.isLive(auth, { fresh });
      if (isLive === true) return undefined;
      return authProblem('invalid-token', 'the token is no longer active', resourceMetadata);
    } catch (error) {
      if (!(error instanceof TokenCheckUnavailableError)) throw error;
      return tokenCheckUnavailable(error.retryAfterSeconds);
    }
  };
}
