import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { tokenIntrospection } from 'openid-client';
import { type AuthProblem, invalidTokenProblem, tokenCheckUnavailableProblem } from './auth-problem.ts';
import { DelegationError } from './delegation-error.ts';
import type { RequestAuth } from './guard.ts';
import { createOAuthClient, type OAuthClientOptions } from './oauth-client.ts';
import { systemClock, TokenCheckUnavailableError } from './outgoing.ts';

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

export interface LiveTokenCheckOptions {
  readonly introspect: Introspect;
  /** How long a read may rely on an earlier "still live", never past the token's own end (RFC 7662 §4). Default 0: every call asks. */
  readonly cacheSeconds?: number | undefined;
  /** Epoch seconds. */
  readonly now?: (() => number) | undefined;
}

/** What of a verified token the check looks at. */
export type LiveTokenQuestion = Pick<RequestAuth, 'sub' | 'jti' | 'sessionId' | 'token'>;

export interface LiveTokenCheck {
  /**
   * Whether the issuer still stands by a token that has been verified: true, false, or TokenCheckUnavailableError when it
   * does not answer, or answers for another token. With `fresh` it is asked whatever is remembered.
   */
  isLive(auth: LiveTokenQuestion, options: { readonly fresh: boolean }): Promise<boolean>;
  /** Remembers nothing more of a login session (`sid`). */
  forgetSession(sessionId: string): void;
  /** The same for all sessions of a user. */
  forgetSubject(subject: string): void;
}

interface Remembered {
  /** Epoch seconds. */
  readonly until: number;
  readonly sessionId: string | undefined;
  readonly subject: string;
}

const MAXIMUM_REMEMBERED = 5000;

/** Introspection (RFC 7662) as the client that the API is at the issuer. */
export function createIntrospection(options: OAuthClientOptions): Introspect {
  const client = createOAuthClient(options);
  return async (token) => {
    try {
      return await tokenIntrospection(await client(), token, { token_type_hint: 'access_token' });
    } catch (cause) {
      const answer =
        cause instanceof Error && cause.cause instanceof DelegationError ? cause.cause : undefined;
      throw new TokenCheckUnavailableError('the issuer gave no usable answer about a token', {
        cause,
        ...(answer === undefined ? {} : { retryAfterSeconds: answer.retryAfterSeconds }),
      });
    }
  };
}

export function createLiveTokenCheck(options: LiveTokenCheckOptions): LiveTokenCheck {
  const { introspect, cacheSeconds = 0, now = systemClock } = options;
  const remembered = new LRUCache<string, Remembered>({ max: MAXIMUM_REMEMBERED });
  let forgotten = 0;

  function forgetAll(matches: (entry: Remembered) => boolean): void {
    forgotten += 1;
    for (const [digest, entry] of remembered) if (matches(entry)) remembered.delete(digest);
  }

  return {
    async isLive(auth, { fresh }) {
      const digest = hash('sha256', auth.token, 'base64url');
      const askedAt = now();
      if (!fresh && (remembered.get(digest)?.until ?? 0) > askedAt) return true;
      remembered.delete(digest);
      const forgottenBefore = forgotten;
      const answer = await ask(introspect, auth.token);
      if (answer.active !== true) return false;
      if (answer.sub !== auth.sub || answer.jti !== auth.jti) {
        throw new TokenCheckUnavailableError('the issuer answered for another token');
      }
      // A session that ends while the answer is on its way must not be remembered as live.
      if (cacheSeconds > 0 && forgotten === forgottenBefore)
        remembered.set(digest, {
          until: Math.min(askedAt + cacheSeconds, endOf(answer)),
          sessionId: auth.sessionId,
          subject: auth.sub,
        });
      return true;
    },
    forgetSession: (sessionId) => forgetAll((entry) => entry.sessionId === sessionId),
    forgetSubject: (subject) => forgetAll((entry) => entry.subject === subject),
  };
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

/** Refuses a token that the issuer no longer stands by (401), and any token while it does not answer (503). */
export async function checkLive(
  auth: RequestAuth,
  live: LiveTokenCheck,
  options: { readonly fresh: boolean; readonly resourceMetadata: string },
): Promise<AuthProblem | undefined> {
  try {
    if (await live.isLive(auth, options)) return undefined;
    return invalidTokenProblem('the token is no longer active', options.resourceMetadata);
  } catch (error) {
    if (!(error instanceof TokenCheckUnavailableError)) throw error;
    return tokenCheckUnavailableProblem(error.retryAfterSeconds);
  }
}
