import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';
import type { Account } from '../api/api1.ts';
import { useApis } from '../api/apis-context.tsx';
import { accountsQuery } from '../api/queries.ts';
import { useClockOffset } from '../auth/session-context.tsx';
import { Fault } from '../components/fault.tsx';
import { useHealing } from '../components/healing.ts';
import { Money } from '../components/labels.tsx';
import { Loading, Page, Skeleton } from '../components/page.tsx';
import { formatTime } from '../text/dates.ts';
import css from './accounts.module.css';

/** The signed-in user's own accounts, which API1 reads from API2 on the user's behalf. */
export function AccountsPage() {
  const { api1 } = useApis();
  const accounts = useQuery(accountsQuery(api1));
  const { error, isRetrying, retry } = useHealing(accounts);
  const loadedAt = accounts.dataUpdatedAt / 1000 + useClockOffset();
  return (
    <Page title="Accounts" lead="API1 fetched these from API2 on your behalf.">
      {accounts.isPending && !error && <LoadingAccounts />}
      {error && (
        <Fault
          title="Your accounts could not be loaded"
          error={error}
          onRetry={retry}
          isRetrying={isRetrying}
        />
      )}
      {error && accounts.data && (
        <p className="muted">{`Below is what was loaded at ${formatTime(loadedAt)}.`}</p>
      )}
      {accounts.data && <AccountList accounts={accounts.data} />}
    </Page>
  );
}

function AccountList({ accounts }: { accounts: readonly Account[] }) {
  if (accounts.length === 0) {
    return (
      <div className="card stack-tight">
        <h2>You have no accounts</h2>
        <p className="muted">
          This is no fault: you are a customer of the bank, and you have no account there yet.
        </p>
      </div>
    );
  }
  return (
    <ul className={css.list} aria-label="Your accounts">
      {accounts.map(({ id, name, currency, balance }) => (
        <li key={id} className={`card ${css.account}`}>
          <span className={css.name}>
            <bdi>{name}</bdi>
          </span>
          <code className={css.id}>{id}</code>
          <span className={css.balance}>
            <Money amount={balance} currency={currency} />
          </span>
          <span className={css.actions}>
            <Link to={`/pay?from=${encodeURIComponent(id)}`} aria-label={`Send money: ${name}`}>
              Send money
            </Link>
          </span>
        </li>
      ))}
    </ul>
  );
}

function LoadingAccounts() {
  return (
    <div className={css.list}>
      <Loading what="your accounts" />
      {[0, 1].map((row) => (
        <div key={row} className={`card ${css.account}`}>
          <Skeleton width="9rem" height="1.55rem" />
          <span className={css.id}>
            <Skeleton width="7rem" height="1.35rem" />
          </span>
          <span className={css.balance}>
            <Skeleton width="7rem" height="1.9rem" />
          </span>
          <span className={css.actions}>
            <Skeleton width="6rem" height="1.55rem" />
          </span>
        </div>
      ))}
    </div>
  );
}
