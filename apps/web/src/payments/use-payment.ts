import { useQueryClient } from '@tanstack/react-query';
import { useReducer } from 'react';
import type { Api1, PaymentOrder } from '../api/api1.ts';
import { accountsQuery } from '../api/queries.ts';
import type { PaymentDraft } from './draft.ts';
import { EDITING, nextAttempt, type PaymentAttempt } from './payment-attempt.ts';

export interface PaymentActions {
  readonly attempt: PaymentAttempt;
  /** Sends a new order under a new key. */
  readonly send: (order: PaymentOrder) => void;
  /** Sends the same order under the same key again. */
  readonly retry: () => void;
  readonly edit: () => void;
}

/** One payment from the form to its end. `open` is an attempt from before a reload whose end is not known. */
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

  const run = async (order: PaymentOrder, key: string) => {
    // Written down before it is sent: a reload in between must not forget that something is on its way.
    onOpen({ order, key });
    try {
      const booked = await api1.pay(order, key);
      onOpen(undefined);
      dispatch({ type: 'answered', booked });
    } catch (error) {
      const failed = { type: 'failed', error } as const;
      const { phase } = nextAttempt({ phase: 'sending', order, key }, failed);
      if (phase === 'refused') onOpen(undefined);
      dispatch(failed);
    }
    await queries.invalidateQueries({ queryKey: accountsQuery(api1).queryKey });
  };

  return {
    attempt,
    send(order) {
      const key = crypto.randomUUID();
      dispatch({ type: 'send', order, key });
      void run(order, key);
    },
    retry() {
      if (attempt.phase !== 'unknown' && attempt.phase !== 'not_sent') return;
      dispatch({ type: 'retry' });
      void run(attempt.order, attempt.key);
    },
    edit() {
      onOpen(undefined);
      dispatch({ type: 'edit' });
    },
  };
}
