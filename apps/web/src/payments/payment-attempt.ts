import { ApiError } from '../api/api-error.ts';
import type { BookedPayment, PaymentOrder } from '../api/api1.ts';
import { AuthorizationServerUnreachable, SessionEnded } from '../auth/session.ts';

/** The session has ended; the service asks to come back later; no token could be had because the sign-in service is away. */
export type NotSentCause = 'session' | 'busy' | 'no_token';

/**
 * What is known about one payment. The order and its key go together from the first sending on: only the same order is
 * ever sent under a key again, which is what makes trying again safe.
 */
export type PaymentAttempt =
  | { readonly phase: 'editing' }
  | { readonly phase: 'sending'; readonly order: PaymentOrder; readonly key: string }
  | { readonly phase: 'booked'; readonly booked: BookedPayment; readonly order: PaymentOrder }
  /** The bank has said no: nothing was booked. */
  | { readonly phase: 'refused'; readonly order: PaymentOrder; readonly why: string }
  /** Never reached the bank: nothing was booked, and the same key is still good. */
  | {
      readonly phase: 'not_sent';
      readonly order: PaymentOrder;
      readonly key: string;
      readonly why: NotSentCause;
    }
  /** Sent, and no answer that says what came of it. Only the same order under the same key may follow. */
  | { readonly phase: 'unknown'; readonly order: PaymentOrder; readonly key: string };

export type PaymentEvent =
  | { readonly type: 'send'; readonly order: PaymentOrder; readonly key: string }
  | { readonly type: 'answered'; readonly booked: BookedPayment }
  | { readonly type: 'failed'; readonly error: unknown }
  | { readonly type: 'retry' }
  | { readonly type: 'edit' };

export const EDITING: PaymentAttempt = { phase: 'editing' };

/** The next state; an event that does not fit the state changes nothing. */
export function nextAttempt(attempt: PaymentAttempt, event: PaymentEvent): PaymentAttempt {
  switch (event.type) {
    case 'send':
      // An attempt whose end is unknown is resolved under its own key before another may be sent.
      if (attempt.phase === 'sending' || attempt.phase === 'unknown') return attempt;
      return { phase: 'sending', order: event.order, key: event.key };
    case 'retry':
      if (attempt.phase !== 'unknown' && attempt.phase !== 'not_sent') return attempt;
      return { phase: 'sending', order: attempt.order, key: attempt.key };
    case 'answered':
      if (attempt.phase !== 'sending') return attempt;
      return { phase: 'booked', booked: event.booked, order: attempt.order };
    case 'failed':
      return attempt.phase === 'sending' ? afterFailure(attempt.order, attempt.key, event.error) : attempt;
    case 'edit':
      return attempt.phase === 'sending' ? attempt : EDITING;
  }
}

/**
 * 401, 403, 422 and the other refusals are made before or instead of booking. 409 (still in progress), every 5xx and no answer
 * leave open whether it was booked. A session that ended ended before the order was read. 429 was not read either.
 */
function afterFailure(order: PaymentOrder, key: string, error: unknown): PaymentAttempt {
  if (error instanceof SessionEnded) return { phase: 'not_sent', order, key, why: 'session' };
  if (error instanceof AuthorizationServerUnreachable)
    return { phase: 'not_sent', order, key, why: 'no_token' };
  if (!(error instanceof ApiError)) return { phase: 'unknown', order, key };
  if (error.status === 429) return { phase: 'not_sent', order, key, why: 'busy' };
  if (error.status === 401) return { phase: 'not_sent', order, key, why: 'session' };
  if (error.status === 409 || error.status === 408 || error.status >= 500)
    return { phase: 'unknown', order, key };
  return {
    phase: 'refused',
    order,
    why: error.problem.detail ?? error.problem.title ?? 'The bank gave no reason.',
  };
}
