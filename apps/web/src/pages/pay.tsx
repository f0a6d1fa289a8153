import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import type { Account } from '../api/api1.ts';
import { useApis } from '../api/apis-context.tsx';
import { accountsQuery } from '../api/queries.ts';
import { useKept, useSession, useUser } from '../auth/session-context.tsx';
import { Fault } from '../components/fault.tsx';
import { useHealing } from '../components/healing.ts';
import { Loading, Page, Skeleton } from '../components/page.tsx';
import { PaymentForm } from '../components/payment-form.tsx';
import { PaymentResult } from '../components/payment-result.tsx';
import { RecentSignIn } from '../components/recent-sign-in.tsx';
import { EMPTY_DRAFT, LONGEST_REFERENCE, readDraft, type PaymentDraft } from '../payments/draft.ts';
import { usePayment } from '../payments/payment-attempt.ts';
import css from './pay.module.css';

/** A payment from one of the user's accounts. */
export default function PayPage() {
  const { api1 } = useApis();
  const accounts = useQuery(accountsQuery(api1));
  const { error, isRetrying, retry } = useHealing(accounts);
  return (
    <Page
      title="Pay"
      lead="API1 asks API2 to book the payment on your behalf. It is booked once, however often it is sent."
    >
      {accounts.isPending && !error && <LoadingForm />}
      {error && !accounts.data && (
        <Fault
          title="Your accounts could not be loaded"
          error={error}
          onRetry={retry}
          isRetrying={isRetrying}
        />
      )}
      {accounts.data?.length === 0 && <NoAccounts />}
      {accounts.data && accounts.data.length > 0 && <Payment accounts={accounts.data} />}
    </Page>
  );
}

function Payment({ accounts }: { accounts: readonly Account[] }) {
  const { api1 } = useApis();
  const kept = useKept('payment');
  const [parameters] = useSearchParams();
  const [draft, setDraft] = useState(() =>
    withAccount(withLink(readDraft(kept.load()), parameters), parameters.get('from'), accounts),
  );
  const change = (changed: PaymentDraft) => {
    kept.save(changed);
    setDraft(changed);
  };
  const noteOpen = (open: PaymentDraft['open']) => {
    // From storage and not from the state: this is also told when the page has gone, and then no state changes.
    const { open: _settled, ...text } = readDraft(kept.load());
    change(open ? { ...text, open } : text);
  };
  const { clock } = useSession();
  const { signedInAt = Number.NaN } = useUser();
  const isRecent = (maxAgeSeconds: number) => clock.now() - signedInAt <= maxAgeSeconds;
  const { attempt, send, retry, edit } = usePayment(api1, draft.open, noteOpen, isRecent);
  const startOver = () => {
    edit();
    change({ ...EMPTY_DRAFT, from: draft.from });
  };
  const isOver = attempt.phase === 'booked' || attempt.phase === 'unknown' || attempt.phase === 'not_sent';
  return (
    <>
      <PaymentResult attempt={attempt} onRetry={retry} onEdit={edit} onStartOver={startOver} />
      {attempt.phase === 'sign_in' && <RecentSignIn maxAgeSeconds={attempt.maxAgeSeconds} onCancel={edit} />}
      {!isOver && (
        <PaymentForm
          accounts={accounts}
          draft={draft}
          isSending={attempt.phase === 'sending'}
          onChange={change}
          onSend={send}
        />
      )}
    </>
  );
}

/** A link may fill the form in; the person reads it and pays. An order that is still open comes first. */
function withLink(draft: PaymentDraft, parameters: URLSearchParams): PaymentDraft {
  if (draft.open || !parameters.has('to')) return draft;
  const text = (name: string) => (parameters.get(name) ?? '').slice(0, LONGEST_REFERENCE);
  return { ...draft, to: text('to'), amount: text('amount'), reference: text('reference') };
}

function withAccount(draft: PaymentDraft, wanted: string | null, accounts: readonly Account[]): PaymentDraft {
  const known = (id: string | null) => accounts.some((account) => account.id === id);
  if (wanted !== null && known(wanted)) return { ...draft, from: wanted };
  return known(draft.from) ? draft : { ...draft, from: accounts[0]?.id ?? '' };
}

function NoAccounts() {
  return (
    <div className="card stack-tight">
      <h2>There is no account to pay from</h2>
      <p className="muted">
        You have no account at the bank. <Link to="/accounts">Accounts</Link> shows the same.
      </p>
    </div>
  );
}

function LoadingForm() {
  return (
    <div className={`card ${css.form}`}>
      <Loading what="your accounts" />
      {['From', 'To', 'Amount', 'Reference'].map((field) => (
        <span key={field} className="field">
          <Skeleton width="5rem" height="1.55rem" />
          <Skeleton height="44px" />
          {field !== 'From' && <Skeleton width="60%" height="1.36rem" />}
        </span>
      ))}
      <Skeleton width="6rem" height="44px" />
    </div>
  );
}
