import { Link } from 'react-router';
import type { PaymentOrder } from '../api/api1.ts';
import css from '../pages/pay.module.css';
import type { NotSentCause, PaymentAttempt } from '../payments/payment-attempt.ts';
import { Money } from './money.tsx';
import { asSentence } from './sentence.ts';
import { Notice } from './notice.tsx';

export interface PaymentResultProps {
  readonly attempt: PaymentAttempt;
  readonly onRetry: () => void;
  readonly onEdit: () => void;
  readonly onStartOver: () => void;
}

/** What came of a payment: what happened, what was not booked, and what to do. */
export function PaymentResult({ attempt, onRetry, onEdit, onStartOver }: PaymentResultProps) {
  switch (attempt.phase) {
    case 'editing':
    case 'sending':
      return null;
    case 'booked':
      return (
        <div className={css.result}>
          <Notice tone="ok" title="Payment booked">
            <Facts order={attempt.order} number={attempt.booked.payment.id} />
            {attempt.booked.replayed && (
              <p>An earlier try had already booked it; this is its answer. It was booked once.</p>
            )}
          </Notice>
          <p className="row">
            <button type="button" className="button" onClick={onStartOver}>
              Make another payment
            </button>
            <Link to="/accounts">See the balance</Link>
          </p>
        </div>
      );
    case 'refused':
      return (
        <div className={css.result}>
          <Notice tone="bad" title="Payment refused">
            <p>{asSentence(attempt.why)}</p>
            <p>Nothing was booked. Change the payment below and send it again.</p>
          </Notice>
        </div>
      );
    case 'not_sent':
      return (
        <div className={css.result}>
          <Notice tone="warn" title="Payment not sent">
            <p>{NOT_SENT[attempt.why]} Nothing was booked.</p>
            <Facts order={attempt.order} />
            <Choices onRetry={onRetry} onEdit={onEdit} />
          </Notice>
        </div>
      );
    case 'unknown':
      return (
        <div className={css.result}>
          <Notice tone="warn" title="No answer about this payment">
            <p>
              It may have been booked, or not. Trying again is safe: it goes out under the same key, and the
              bank books one key once.
            </p>
            <Facts order={attempt.order} />
            <Choices
              onRetry={onRetry}
              onEdit={onEdit}
              warning="Give up and change it: it might then be booked as well."
            />
          </Notice>
        </div>
      );
  }
}

const NOT_SENT: Readonly<Record<NotSentCause, string>> = {
  session: 'Your session had ended.',
  busy: 'The bank has too much to do just now.',
  no_token: 'The sign-in service did not answer.',
};

function Choices({
  onRetry,
  onEdit,
  warning,
}: {
  onRetry: () => void;
  onEdit: () => void;
  warning?: string;
}) {
  return (
    <>
      <p className="row">
        <button type="button" className="button button-primary" onClick={onRetry}>
          Try again
        </button>
        <button type="button" className="button" onClick={onEdit}>
          Change it
        </button>
      </p>
      {warning !== undefined && <p className="muted">{warning}</p>}
    </>
  );
}

function Facts({ order, number }: { order: PaymentOrder; number?: string }) {
  return (
    <dl className={css.facts}>
      <dt>Amount</dt>
      <dd>
        <Money amount={order.amount} currency={order.currency} />
      </dd>
      <dt>From</dt>
      <dd>
        <code>{order.from}</code>
      </dd>
      <dt>To</dt>
      <dd>
        <code>{order.to}</code>
      </dd>
      <dt>Reference</dt>
      <dd>
        <bdi>{order.reference}</bdi>
      </dd>
      {number !== undefined && (
        <>
          <dt>Number</dt>
          <dd>
            <code>{number}</code>
          </dd>
        </>
      )}
    </dl>
  );
}
