import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Delegation } from '../api/account-api.ts';
import { useApis } from '../api/apis-context.tsx';
import { delegationsQuery } from '../api/queries.ts';
import { isRevocable, matches, type DelegationFilter } from '../claims/delegations.ts';
import css from '../pages/delegations.module.css';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { DelegationRow } from './delegation-row.tsx';
import { Fault } from './fault.tsx';
import { Field } from './field.tsx';
import { Notice } from './notice.tsx';
import { Loading, Skeleton } from './skeleton.tsx';

/** The ledger's rows about the user, a page at a time, with what may be taken back. */
export function DelegationList() {
  const { account } = useApis();
  const queries = useQueryClient();
  const list = useInfiniteQuery(delegationsQuery(account));
  const [filter, setFilter] = useState<DelegationFilter>('all');
  const [asked, setAsked] = useState<readonly Delegation[]>();
  const revoke = useMutation({
    mutationFn: async (delegations: readonly Delegation[]) => {
      for (const { jti } of delegations) await account.revokeDelegation(jti);
      return delegations.length;
    },
    onSettled: () => queries.invalidateQueries(),
  });
  const all = list.data?.pages.flatMap(({ delegations }) => delegations) ?? [];
  const now = Math.floor(list.dataUpdatedAt / 1000);
  const shown = all.filter((delegation) => matches(delegation, filter, now));
  const revocable = all.filter((delegation) => isRevocable(delegation, now));
  return (
    <section className="card stack" aria-labelledby="delegations">
      <div className={css.filters}>
        <h2 id="delegations" style={{ flexGrow: 1 }}>
          Delegations
        </h2>
        <Field label="Show">
          {(control) => (
            <select
              {...control}
              className="input"
              value={filter}
              onChange={(event) => setFilter(event.target.value as DelegationFilter)}
            >
              <option value="all">All</option>
              <option value="live">Live now</option>
              <option value="ended">Over or taken back</option>
              <option value="refused">Refused</option>
            </select>
          )}
        </Field>
        <button
          type="button"
          className="button button-bad"
          disabled={revocable.length === 0 || revoke.isPending}
          onClick={() => setAsked(revocable)}
        >
          Take all back
        </button>
      </div>
      {list.isPending && <LoadingRows />}
      {list.isError && (
        <Fault title="The list could not be loaded" error={list.error} onRetry={() => void list.refetch()} />
      )}
      {revoke.isError && <Fault title="It could not be taken back" error={revoke.error} />}
      {revoke.isSuccess && (
        <Notice tone="ok" title={revoke.data === 1 ? 'Taken back' : 'All taken back'}>
          For the rest of your session that service gets no more tokens for you there. One that it still holds
          is refused at once wherever the token service is asked, and everywhere once it expires.
        </Notice>
      )}
      {list.data && shown.length === 0 && (
        <p className="muted">{all.length === 0 ? 'Nobody has acted for you yet.' : 'None of these.'}</p>
      )}
      <ul className={css.list} aria-label="Delegations">
        {shown.map((delegation) => (
          <DelegationRow
            key={delegation.jti}
            delegation={delegation}
            now={now}
            isBusy={revoke.isPending}
            onRevoke={() => setAsked([delegation])}
          />
        ))}
      </ul>
      {list.hasNextPage && (
        <p>
          <button
            type="button"
            className="button"
            disabled={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            {list.isFetchingNextPage ? 'Loading…' : 'Show older ones'}
          </button>
        </p>
      )}
      {asked && (
        <ConfirmDialog
          title={asked.length === 1 ? 'Take this delegation back?' : `Take ${asked.length} delegations back?`}
          action="Take back"
          onCancel={() => setAsked(undefined)}
          onConfirm={() => {
            revoke.mutate(asked);
            setAsked(undefined);
          }}
        >
          <p>
            The token and everything that came from it end now, and the service is barred from asking again
            until you sign in anew. Pages that rely on it will be refused.
          </p>
        </ConfirmDialog>
      )}
    </section>
  );
}

function LoadingRows() {
  return (
    <div className="stack">
      <Loading what="your delegations" />
      {[0, 1, 2].map((row) => (
        <Skeleton key={row} height="3.5rem" />
      ))}
    </div>
  );
}
