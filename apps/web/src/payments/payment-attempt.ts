import { useQueryClient } from '@tanstack/react-query';
import { useLayoutEffect, useReducer, useRef } from 'react';
import { ApiError, wantedSignInAge } from '../api/api-client.ts';
import type { Api1, BookedPayment, PaymentOrder } from '../api/api1.ts';
import { accountsQuery } from '../api/queries.ts';
import { SessionEnded } from '../auth/session.ts';
import { SignInServiceError } from '../auth/sign-in-problem.ts';
import { faultText, type FaultText } from '../text/fault-text.ts';
import type { PaymentDraft } from './draft.ts';

/** The session has ended; the service asks to come back later; no token could be had because the sign-in service is away. */
export type NotSentCause = 'session' | 'busy' | 'no_token';

/**
 * The state of one payment. The order and its key go together from the first sending on: only the same order is
 * ever sent under a key again, which is what makes trying again safe.
 */
export type PaymentAttempt =
  | { readonly phase: 'editing' }
  | {
      readonly phase: 'sending';
      readonly order: PaymentOrder;
      readonly key: string;
      /** It was sent before, and what came of that is not known. */
      readonly mayBeBooked: boolean;
    }
  | { readonly phase: 'booked'; readonly booked: BookedPayment; readonly order: PaymentOrder }
  /** The bank has said no: nothing was booked. */
  | { readonly phase: 'refused'; readonly order: PaymentOrder; readonly why: FaultText }
  /** Never reached the bank: nothing was booked, and the same key is still good. */
  | {
      readonly phase: 'not_sent';
      readonly order: PaymentOrder;
      readonly key: string;
      readonly why: NotSentCause;
    }
  /** The bank wants a sign-in that is at most so old first (RFC 9470). This sending booked nothing; the key is still good. */
  | {
      readonly phase: 'sign_in';
      readonly order: PaymentOrder;
      readonly key: string;
      readonly maxAgeSeconds: number;
      readonly mayBeBooked: boolean;
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
      if (OPEN_PHASES.has(attempt.phase)) return attempt;
      return { phase: 'sending', order: event.order, key: event.key, mayBeBooked: false };
    case 'retry':
      if (attempt.phase !== 'unknown' && attempt.phase !== 'not_sent' && attempt.phase !== 'sign_in')
        return attempt;
      return {
        phase: 'sending',
        order: attempt.order,
        key: attempt.key,
        mayBeBooked: attempt.phase === 'unknown' || (attempt.phase === 'sign_in' && attempt.mayBeBooked),
      };
    case 'answered':
      if (attempt.phase !== 'sending') return attempt;
      return { phase: 'booked', booked: event.booked, order: attempt.order };
    case 'failed':
      return attempt.phase === 'sending' ? afterFailure(attempt, event.error) : attempt;
    case 'edit':
      if (attempt.phase === 'sign_in' && attempt.mayBeBooked)
        return { phase: 'unknown', order: attempt.order, key: attempt.key };
      return attempt.phase === 'sending' ? attempt : EDITING;
  }
}

const OPEN_PHASES = new Set<PaymentAttempt['phase']>(['sending', 'sign_in', 'unknown']);

/** The state in which a page begins that was left with this payment. */
export function attemptOf(open: PaymentDraft['open']): PaymentAttempt {
  if (open === undefined) return EDITING;
  const { order, key, signIn } = open;
  return signIn === undefined
    ? { phase: 'unknown', order, key }
    : { phase: 'sign_in', order, key, ...signIn };
}

/** The same the other way round: as much of the state as outlives the page. */
function openOf(attempt: PaymentAttempt): PaymentDraft['open'] {
  if (attempt.phase === 'unknown') return { order: attempt.order, key: attempt.key };
  if (attempt.phase !== 'sign_in') return undefined;
  const { order, key, maxAgeSeconds, mayBeBooked } = attempt;
  return { order, key, signIn: { maxAgeSeconds, mayBeBooked } };
}

/**
 * Reads from a failure whether the payment was booked. Only the bank's own refusal (422) is an answer about this key, kept and given again
 * each time. Other refusals are made before the order is read, so they say that *this* sending booked nothing, and nothing
 * about an earlier one. 409 (still in progress), 408, every 5xx and no answer leave it open.
 */
function afterFailure(
  attempt: Extract<PaymentAttempt, { phase: 'sending' }>,
  error: unknown,
): PaymentAttempt {
  const { order, key, mayBeBooked } = attempt;
  if (error instanceof ApiError && error.status === 422)
    return { phase: 'refused', order, why: faultText(error) };
  const maxAgeSeconds = error instanceof ApiError ? wantedSignInAge(error.challenge) : undefined;
  if (maxAgeSeconds !== undefined) return { phase: 'sign_in', order, key, maxAgeSeconds, mayBeBooked };
  if (mayBeBooked) return { phase: 'unknown', order, key };
  const why = notSentCause(error);
  if (why !== undefined) return { phase: 'not_sent', order, key, why };
  if (!(error instanceof ApiError) || LEFT_OPEN.has(error.status) || error.status >= 500) {
    return { phase: 'unknown', order, key };
  }
  return { phase: 'refused', order, why: faultText(error) };
}

const LEFT_OPEN = new Set([408, 409]);

function notSentCause(error: unknown): NotSentCause | undefined {
  if (error instanceof SessionEnded) return 'session';
  if (error instanceof SignInServiceError) return 'no_token';
  if (!(error instanceof ApiError)) return undefined;
  return error.status === 401 ? 'session' : error.status === 429 ? 'busy' : undefined;
}

export interface PaymentActions {
  readonly attempt: PaymentAttempt;
  /** Sends a new order under a new key. */
  readonly send: (order: PaymentOrder) => void;
  /** Sends the same order under the same key again. */
  readonly retry: () => void;
  readonly edit: () => void;
}

/**
 * One payment from the form to its end, one at a time. `open` is an attempt from before this page that has no end yet;
 * `onOpen` is told before each sending, and again once it is answered, even when the page is gone by then. An attempt that
 * waited for a recent sign-in is sent again at once, when `isRecent` says that there has been one.
 */
export function usePayment(
  api1: Api1,
  open: PaymentDraft['open'],
  onOpen: (open: PaymentDraft['open']) => void,
  isRecent: (maxAgeSeconds: number) => boolean,
): PaymentActions {
  const queries = useQueryClient();
  const [attempt, dispatch] = useReducer(nextAttempt, open, attemptOf);

  const isUnderWay = useRef(false);

  const run = async (event: Extract<PaymentEvent, { type: 'send' | 'retry' }>) => {
    const sending = nextAttempt(attempt, event);
    if (isUnderWay.current || sending.phase !== 'sending') return;
    isUnderWay.current = true;
    const { order, key } = sending;
    dispatch(event);
    // Written down before it is sent: a reload in between must not forget that something is on its way.
    onOpen({ order, key });
    const end = await api1.pay(order, key).then(
      (booked) => ({ type: 'answered', booked }) as const,
      (error: unknown) => ({ type: 'failed', error }) as const,
    );
    isUnderWay.current = false;
    onOpen(openOf(nextAttempt(sending, end)));
    dispatch(end);
    await queries.invalidateQueries({ queryKey: accountsQuery(api1).queryKey });
  };

  // Before the page is painted, so that no dialog flashes up.
  useLayoutEffect(() => {
    if (attempt.phase === 'sign_in' && isRecent(attempt.maxAgeSeconds)) void run({ type: 'retry' });
    // Once, as the page opens: later the person decides.
    // oxlint-disable-next-line react/exhaustive-deps
  }, []);

  return {
    attempt,
    send: (order) => void run({ type: 'send', order, key: crypto.randomUUID() }),
    retry: () => void run({ type: 'retry' }),
    edit() {
      onOpen(openOf(nextAttempt(attempt, { type: 'edit' })));
      dispatch({ type: 'edit' });
    },
  };
}
