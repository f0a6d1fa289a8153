import * as oauth from 'oauth4webapi';

/** Why a sign-in, a renewal or a sign-out brought nothing. */
export interface SignInProblem {
  readonly kind:
    /** No connection, or no complete answer in time. */
    | 'no_answer'
    /** It answered that it cannot do its work now: a 5xx, `server_error`, `temporarily_unavailable`. */
    | 'failed'
    /** Its answer does not pass the checks that a relying party must make. */
    | 'invalid_answer'
    /** It said no; `code` is the error code (RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core §3.1.2.6). */
    | 'refused'
    /** This tab has not asked for the answer, or has taken it before. */
    | 'nothing_to_finish';
  readonly code?: string | undefined;
  /** The service's own words. Never shown as a sentence of this app. */
  readonly detail?: string | undefined;
  readonly timedOut?: boolean | undefined;
}

/** Thrown where a value cannot say it: no address to leave for, no token to be had. */
export class SignInServiceError extends Error {
  override readonly name = 'SignInServiceError';
  readonly problem: SignInProblem;

  constructor(problem: SignInProblem) {
    super(`the sign-in service: ${problem.code ?? problem.kind}`);
    this.problem = problem;
  }
}

/** Whether the same request may succeed a little later. */
export function isOutage({ kind }: SignInProblem): boolean {
  return kind === 'no_answer' || kind === 'failed';
}

const SIGN_IN_NEEDED = new Set([
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
]);

/** Whether the service only says that it has to show a page (OpenID Connect Core §3.1.2.6). */
export function isSignInNeeded({ code }: SignInProblem): boolean {
  return code !== undefined && SIGN_IN_NEEDED.has(code);
}

const OUTAGES = new Set(['server_error', 'temporarily_unavailable']);

/** The problem that the library, or `fetch`, has thrown. `signal`: the time limit of the whole answer. */
export function problemOf(error: unknown, signal: AbortSignal): SignInProblem {
  if (signal.aborted) return { kind: 'no_answer', timedOut: true };
  if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError) {
    const { error: code, error_description: detail } = error;
    return { kind: OUTAGES.has(code) ? 'failed' : 'refused', code, detail };
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError) {
    return { kind: 'refused', code: 'invalid_client', detail: `HTTP ${error.status}` };
  }
  if (!(error instanceof Error)) return { kind: 'no_answer' };
  const { cause, message: detail } = error;
  if (cause instanceof Response && (cause.status >= 500 || cause.status === 429)) {
    return { kind: 'failed', detail: `HTTP ${cause.status}` };
  }
  // A body that breaks off and a body that is no JSON have the same code; only the second is an answer.
  const isBrokenOff = 'code' in error && error.code === oauth.PARSE_ERROR && isNetworkError(cause);
  if (isBrokenOff || isNetworkError(error)) return { kind: 'no_answer' };
  return { kind: 'invalid_answer', detail };
}

/** `fetch` throws a TypeError without a code; the library's own have one. */
function isNetworkError(error: unknown): boolean {
  return error instanceof Error && error.name === 'TypeError' && !('code' in error);
}
