import { ResponseBodyError } from 'openid-client';
import { DEFAULT_RETRY_AFTER_SECONDS, explain, TokenCheckUnavailableError } from './outgoing.ts';
import { authProblem, type AuthProblem } from './refusal.ts';

const REASONS = ['subject_token', 'policy', 'subscription'] as const;

/** The authorization server's own word for a refusal. It tells a middle tier no more. */
export type RefusalReason = (typeof REASONS)[number];

/**
 * No token was obtained. `refused`: the authorization server said no, and would again. `unavailable`: it could not be
 * reached, or could not answer; `retryAfterSeconds` says when to try again.
 */
export class DelegationError extends Error {
  readonly kind: 'refused' | 'unavailable';
  /** HTTP status of the answer, when there was one. */
  readonly status: number | undefined;
  /** The wire code (RFC 6749 §5.2 and others). */
  readonly error: string | undefined;
  readonly reason: RefusalReason | undefined;
  /** `error_description` as sent: for the log, never for a caller. */
  readonly description: string | undefined;
  readonly retryAfterSeconds: number;

  constructor(kind: DelegationError['kind'], options: Partial<Omit<DelegationError, 'kind'>>) {
    const { cause, error = cause === undefined ? 'no usable answer' : explain(cause) } = options;
    super(`${kind}: ${error}`, { cause });
    this.name = 'DelegationError';
    this.kind = kind;
    this.status = options.status;
    this.error = options.error;
    this.reason = options.reason;
    this.description = options.description;
    this.retryAfterSeconds = options.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS;
  }
}

/** openid-client's code for an answer with a token type that it does not know. */
const UNKNOWN_TOKEN_TYPE = 'OAUTH_UNSUPPORTED_OPERATION';

/** Reads what the OAuth client threw. An error that is no clear refusal counts as unavailable. */
export function delegationErrorOf(thrown: unknown): DelegationError {
  if (thrown instanceof DelegationError) return thrown;
  if (thrown instanceof TokenCheckUnavailableError)
    return new DelegationError('unavailable', {
      cause: thrown,
      retryAfterSeconds: thrown.retryAfterSeconds,
    });
  if (!(thrown instanceof ResponseBodyError)) {
    const { cause, code } = thrown instanceof Error ? (thrown as Error & { code?: unknown }) : {};
    if (cause instanceof DelegationError) return cause;
    return new DelegationError(code === UNKNOWN_TOKEN_TYPE ? 'refused' : 'unavailable', { cause: thrown });
  }
  const { status, error, error_description: description } = thrown;
  const unavailable = error === 'temporarily_unavailable' || error === 'server_error';
  return new DelegationError(unavailable ? 'unavailable' : 'refused', {
    status,
    error,
    description,
    reason: REASONS.find((reason) => reason === thrown.cause['reason']),
  });
}

/**
 * The answer of a middle tier to its own caller when it could not get a token for the next API. A bad subject token is the
 * caller's: 401, sign in again. A refusal by policy or for the want of a subscription is 403. Any other refusal is a fault
 * in the middle tier's own set-up: 502. No answer is 503. `reason` is passed on, the description never.
 */
export function problemOfDelegationError(error: DelegationError, resourceMetadata: string): AuthProblem {
  const { kind, reason, retryAfterSeconds } = error;
  if (kind === 'unavailable') {
    const detail = 'A token for the next service cannot be obtained at the moment. Try again later.';
    return authProblem('delegation-unavailable', detail, undefined, { retryAfterSeconds });
  }
  if (reason === undefined)
    return authProblem('delegation-failed', 'A token for the next service was refused to this service.');
  const { type, detail } = ANSWERS[reason];
  return authProblem(type, detail, resourceMetadata, { members: { reason } });
}

const ANSWERS = {
  subject_token: {
    type: 'invalid-token',
    detail: 'The access token or its sign-in is no longer good. Sign in again.',
  },
  policy: { type: 'delegation-refused', detail: 'This service may not act for the user in this.' },
  subscription: { type: 'delegation-refused', detail: 'This needs an active subscription.' },
} as const;
