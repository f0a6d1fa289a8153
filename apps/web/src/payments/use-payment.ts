import { useQueryClient } from '@tanstack/react-query';
import { useReducer, useRef } from 'react';
import type { Api1, PaymentOrder } from '../api/api1.ts';
import { accountsQuery } from '../api/queries.ts';
import type { PaymentDraft } from './draft.ts';
import { EDITING, nextAttempt, type PaymentAttempt, type PaymentEvent } from './payment-attempt.ts';

export interface PaymentActions {
  readonly attempt: PaymentAttempt;
  /** Sends a new order under a new key. */
  readonly send: (order: PaymentOrder) => void;
  /** Sends the same order under the same key again. */
  readonly retry: () => void;
  readonly edit: () => void;
}

/**
 * One payment from the form to its end, one at a time. `open` is an attempt from before a reload whose end is not known;
 * `onOpen` is told before each sending, and again once the end is known, even when the page is gone by then.
 */
export function usePayment(
  api1: Api1,
  open: PaymentDraft['open'],
  onOpen: (open: PaymentDraft['open']) => void,
): PaymentActions {
  const queries = useQueryClient();
  const [attempt, dispatch] = useReducer(
    nextAttempt,
    open ? ({ phase: 'unknown', ...open } as const) : EDITING,
  );

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
    if (nextAttempt(sending, end).phase !== 'unknown') onOpen(undefined);
    dispatch(end);
    await queries.invalidateQueries({ queryKey: accountsQuery(api1).queryKey });
  };

  return {
    attempt,
    send: (order) => void run({ type: 'send', order, key: crypto.randomUUID() }),
    retry: () => void run({ type: 'retry' }),
    edit() {
      onOpen(undefined);
      dispatch({ type: 'edit' });
    },
  };
}
