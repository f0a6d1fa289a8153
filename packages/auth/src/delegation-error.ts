import { ResponseBodyError } from 'openid-client';
import { authProblem, type AuthProblem, invalidTokenProblem } from './auth-problem.ts';
import { DEFAULT_RETRY_AFTER_SECONDS } from './outgoing.ts';

/** What the middle tier has to know of a refusal; more the authorization server does not tell. */
export type RefusalReason = 'subject_token' | 'policy' | 'subscription';

export interface DelegationErrorOptions {
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  readonly reason?: RefusalReason | undefined;
  readonly description?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

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
  /** `error_description` as sent. */
  readonly description: string | undefined;
  readonly retryAfterSeconds: number;

  constructor(kind: 'refused' | 'unavailable', options: DelegationErrorOptions) {
    super(`${kind}: ${options.error ?? 'no usable answer'}`, { cause: options.cause });
    this.name = 'DelegationError';
    this.kind = kind;
    this.status = options.status;
    this.error = options.error;
    this.reason = options.reason;
    this.description = options.description;
    this.retryAfterSeconds = options.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS;
  }
}

/** Reads what the OAuth client threw. Whatever is no clear refusal counts as unavailable. */
export function delegationErrorOf(thrown: unknown): DelegationError {
  if (thrown instanceof DelegationError) return thrown;
  if (!(thrown instanceof ResponseBodyError)) {
    const { cause } = thrown instanceof Error ? thrown : {};
    return cause instanceof DelegationError ? cause : new DelegationError('unavailable', { cause: thrown });
  }
  const { status, error, error_description: description } = thrown;
  const unavailable = error === 'temporarily_unavailable' || error === 'server_error';
  return new DelegationError(unavailable ? 'unavailable' : 'refused', {
    status,
    error,
    description,
    reason: reasonOf(thrown.cause['reason']),
  });
}

function reasonOf(value: unknown): RefusalReason | undefined {
  return value === 'subject_token' || value === 'policy' || value === 'subscription' ? value : undefined;
}

/**
 * What a middle tier answers its own caller when it could not get a token for the next API. A bad subject token is the
 * caller's: 401, sign in again. A refusal by policy or for the want of a subscription: 403 with the reason. Anything
 * else that was refused is a fault of the middle tier's own set-up: 502. No answer: 503.
 */
export function problemOfDelegationError(error: DelegationError, resourceMetadata: string): AuthProblem {
  if (error.kind === 'unavailable') {
    return authProblem('delegation-unavailable', {
      status: 503,
      detail: 'A token for the next service cannot be obtained at the moment. Try again later.',
      retryAfterSeconds: error.retryAfterSeconds,
    });
  }
  const { reason } = error;
  if (reason === 'subject_token') {
    return invalidTokenProblem(
      'The access token or its sign-in is no longer good. Sign in again.',
      resourceMetadata,
      { reason },
    );
  }
  if (reason === undefined) {
    return authProblem('delegation-failed', {
      status: 502,
      detail: 'A token for the next service was refused to this service.',
    });
  }
  // `error_description` is for the authenticated client; its caller gets the reason alone.
  const detail = 'This service may not act for the user in this.';
  return authProblem('delegation-refused', {
    status: 403,
    detail,
    challenge: { error: 'insufficient_scope', description: detail, resourceMetadata },
    members: { reason },
  });
}
