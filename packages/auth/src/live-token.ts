import { LRUCache } from 'lru-cache';
import { tokenIntrospection } from 'openid-client';
import { DelegationError } from './delegation-error.ts';
import type { RequestAuth } from './guard.ts';
import { createOAuthClient, type OAuthClientOptions } from './oauth-client.ts';
import { assertOptions, watchClock } from './options.ts';
import { TokenCheckUnavailableError } from './outgoing.ts';
import { type AuthProblem, authProblem, tokenCheckUnavailable } from './refusal.ts';

/** The members of an RFC 7662 §2.2 answer that are looked at. */
export interface IntrospectionAnswer {
  readonly active: unknown;
  readonly sub?: unknown;
  readonly jti?: unknown;
  /** Epoch seconds. */
  readonly exp?: unknown;
}

/** Asks the issuer about a token; throws when there is no answer. */
export type Introspect = (token: string) => Promise<IntrospectionAnswer>;

/** Introspection (RFC 7662) as the client that the API is at the issuer. */
export function createIntrospection(options: OAuthClientOptions): Introspect {
  const client = createOAuthClient(options);
  return async (token) => {
    try {
      return await tokenIntrospection(await client(), token, { token_type_hint: 'access_token' });
    } catch (cause) {
      const { retryAfterSeconds } =
        cause instanceof Error && cause.cause instanceof DelegationError ? cause.cause : {};
      throw new TokenCheckUnavailableError('the issuer gave no usable answer about a token', {
        cause,
        retryAfterSeconds,
      });
    }
  };
}

export interface LiveTokenCheckOptions {
  readonly introspect: Introspect;
  /** How long a read may rely on an earlier answer, never past the token's own end (RFC 7662 §4). Default 0: every call asks. */
  readonly cacheSeconds?: number | undefined;
  /** Epoch seconds. */
  readonly now?: (() => number) | undefined;
}

/** The parts of a verified token that a live check looks at. */
export type LiveTokenQuestion = Pick<RequestAuth, 'sub' | 'jti' | 'sessionId' | 'token' | 'tokenDigest'>;

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
    async isLive(auth: LiveTokenQuestion, { fresh }: { readonly fresh: boolean }): Promise<boolean> {
      const digest = auth.tokenDigest;
      const askedAt = now();
      if (!fresh && (remembered.get(digest)?.until ?? 0) > askedAt) return true;
      remembered.delete(digest);
      const forgottenBefore = forgotten;
      const answer = await ask(introspect, auth.token);
      if (answer.active !== true) return false;
      if (answer.sub !== auth.sub || answer.jti !== auth.jti)
        throw new TokenCheckUnavailableError('the issuer answered for another token');
      // An answer is not remembered when a session ended, or the clock was set back, while it was on its way.
      if (cacheSeconds > 0 && forgotten === forgottenBefore && now() >= askedAt)
        remembered.set(digest, {
          until: Math.min(askedAt + cacheSeconds, endOf(answer)),
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

/** Epoch seconds; an answer need not say when its token ends. */
function endOf({ exp }: IntrospectionAnswer): number {
  return typeof exp === 'number' ? exp : Number.POSITIVE_INFINITY;
}

async function ask(introspect: Introspect, token: string): Promise<IntrospectionAnswer> {
  try {
    return await introspect(token);
  } catch (cause) {
    if (cause instanceof TokenCheckUnavailableError) throw cause;
    throw new TokenCheckUnavailableError('the issuer could not be asked about a token', { cause });
  }
}

/** Refuses a token that is not active at the issuer (401), and any token while the issuer does not answer (503). */
export async function checkLive(
  auth: RequestAuth,
  live: LiveCheck,
  options: { readonly fresh: boolean; readonly resourceMetadata: string },
): Promise<AuthProblem | undefined> {
  try {
    if (await live.isLive(auth, options)) return undefined;
    const { resourceMetadata } = options;
    return authProblem('invalid-token', 'the token is no longer active', { resourceMetadata });
  } catch (error) {
    if (!(error instanceof TokenCheckUnavailableError)) throw error;
    return tokenCheckUnavailable(error.retryAfterSeconds);
  }
}
