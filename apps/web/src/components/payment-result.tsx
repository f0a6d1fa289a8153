import { useEffect, useRef, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { PaymentOrder } from '../api/api1.ts';
import css from '../pages/pay.module.css';
import type { NotSentCause, PaymentAttempt } from '../payments/payment-attempt.ts';
import { Button } from './button.tsx';
import { Money } from './labels.tsx';
import { Details, Notice } from './notice.tsx';

export interface PaymentResultProps {
  readonly attempt: PaymentAttempt;
  readonly onRetry: () => void;
  readonly onEdit: () => void;
  readonly onStartOver: () => void;
}

/** The result of a payment: what happened, what was not booked, and what to do. Takes the focus when it replaces the form. */
export function PaymentResult({ attempt, onRetry, onEdit, onStartOver }: PaymentResultProps) {
  switch (attempt.phase) {
    case 'editing':
    case 'sending':
    case 'sign_in':
      return null;
    case 'booked':
      return (
        <Replacement>
          <Notice tone="ok" title="Payment booked">
            <Facts order={attempt.order} number={attempt.booked.payment.id} />
            {attempt.booked.replayed && (
              <p>An earlier attempt had booked it, and this is the answer to that one. It was booked once.</p>
            )}
          </Notice>
          <p className="row">
            <Button onClick={onStartOver}>Make another payment</Button>
            <Link to="/accounts">See the balance</Link>
          </p>
        </Replacement>
      );
    case 'refused':
      return (
        <div className={css.result}>
          <Notice tone="bad" title="Payment refused">
            <p>{attempt.why.text}</p>
            <p>Nothing was booked. Change the payment below and send it again.</p>
            <Details text={attempt.why.details} />
          </Notice>
        </div>
      );
    case 'not_sent':
      return (
        <Replacement>
          <Notice tone="warn" title="Payment not sent">
            <p>{NOT_SENT[attempt.why]} Nothing was booked.</p>
            <Facts order={attempt.order} />
            <Choices onRetry={onRetry} onEdit={onEdit} />
          </Notice>
        </Replacement>
      );
    case 'unknown':
      return (
        <Replacement>
          <Notice tone="warn" title="No answer about this payment">
            <p>
              It is not known whether it was booked. You can safely try again: the payment is sent under the
              same number, and the bank books each number once.
            </p>
            <Facts order={attempt.order} />
            <Choices
              onRetry={onRetry}
              onEdit={onEdit}
              warning="If you change it instead, the first payment might be booked as well."
            />
          </Notice>
        </Replacement>
      );
  }
}

/** The form has gone, and the focus with it. */
function Replacement({ children }: { children: ReactNode }) {
  const result = useRef<HTMLDivElement>(null);
  useEffect(() => result.current?.focus(), []);
  return (
    <div ref={result} tabIndex={-1} className={css.result}>
      {children}
    </div>
  );
}

const NOT_SENT: Readonly<Record<NotSentCause, string>> = {
  session: 'Your session had ended.',
  busy: 'The bank has too many requests at the moment.',
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
        <Button look="primary" onClick={onRetry}>
          Try again
        </Button>
        <Button onClick={onEdit}>Change it</Button>
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
