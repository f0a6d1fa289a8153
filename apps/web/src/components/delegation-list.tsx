import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Delegation } from '../api/account-api.ts';
import { useApis } from '../api/apis-context.tsx';
import { PAGE_ROWS, delegationsQuery } from '../api/queries.ts';
import { useClockOffset, useSession } from '../auth/session-context.tsx';
import {
  EVERYTHING,
  actorsIn,
  allLive,
  isRevocable,
  matches,
  type DelegationFilter,
} from '../calls/delegations.ts';
import { clientName } from '../calls/services.ts';
import css from '../pages/delegations.module.css';
import { Button } from './button.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { DelegationTable } from './delegation-table.tsx';
import { Fault } from './fault.tsx';
import { Field } from './field.tsx';
import { useHealing } from './healing.ts';
import { Loading, Skeleton } from './page.tsx';
import { TakenBack } from './taken-back.tsx';

/** The delegations of the user, a page at a time, and the way to take them back. */
export function DelegationList() {
  const { account } = useApis();
  const queries = useQueryClient();
  const list = useInfiniteQuery(delegationsQuery(account));
  const { error, isRetrying, retry } = useHealing(list);
  const { clock } = useSession();
  const offset = useClockOffset();
  const [filter, setFilter] = useState(EVERYTHING);
  const [page, setPage] = useState(0);
  const [asked, setAsked] = useState<readonly Delegation[]>();
  const takeBack = useMutation({
    mutationFn: async (delegations: readonly Delegation[]) => {
      for (const { jti } of delegations) await account.revokeDelegation(jti);
      return delegations.length;
    },
    onSettled: () => queries.invalidateQueries(),
  });
  const askForAll = useMutation({
    mutationFn: () => allLive(list, clock.now()),
    onSuccess: (live) => setAsked(live.length > 0 ? live : undefined),
  });
  const all = list.data?.pages.flatMap(({ delegations }) => delegations) ?? [];
  const now = Math.floor(list.dataUpdatedAt / 1000) + offset;
  const found = all.filter((delegation) => matches(delegation, filter, now));
  const shown = found.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS);
  const isAnyLive = all.some((delegation) => isRevocable(delegation, now));
  return (
    <section className="card stack" aria-labelledby="delegations">
      <div className={css.filters}>
        <h2 id="delegations">Delegations</h2>
        <DelegationFilters
          filter={filter}
          actors={actorsIn(all)}
          onChange={(changed) => {
            setFilter(changed);
            setPage(0);
          }}
        />
        <Button
          look="bad"
          isBusy={!isAnyLive || takeBack.isPending || askForAll.isPending}
          onClick={() => askForAll.mutate()}
        >
          Take all back
        </Button>
      </div>
      {list.isPending && !error && <LoadingRows />}
      {error && (
        <Fault title="The list could not be loaded" error={error} onRetry={retry} isRetrying={isRetrying} />
      )}
      {askForAll.isError && <Fault title="The list could not be loaded" error={askForAll.error} />}
      {takeBack.isError && <Fault title="It could not be taken back" error={takeBack.error} />}
      {takeBack.isSuccess && <TakenBack key={takeBack.submittedAt} count={takeBack.data} />}
      {list.data && shown.length === 0 && <p className="muted">{nothingText(all.length)}</p>}
      {shown.length > 0 && (
        <DelegationTable
          delegations={shown}
          now={now}
          isBusy={takeBack.isPending}
          onTakeBack={(delegation) => setAsked([delegation])}
        />
      )}
      <Pager
        page={page}
        hasOlder={found.length > (page + 1) * PAGE_ROWS || list.hasNextPage}
        isLoading={list.isFetchingNextPage}
        onNewer={() => setPage(page - 1)}
        onOlder={() => {
          if (found.length >= (page + 1) * PAGE_ROWS) setPage(page + 1);
          if (found.length < (page + 2) * PAGE_ROWS && list.hasNextPage) void list.fetchNextPage();
        }}
      />
      {asked && (
        <ConfirmDialog
          title={asked.length === 1 ? 'Take this delegation back?' : `Take ${asked.length} delegations back?`}
          action="Take back"
          onCancel={() => setAsked(undefined)}
          onConfirm={() => {
            takeBack.mutate(asked);
            setAsked(undefined);
          }}
        >
          <p>
            {asked.length === 1
              ? 'The token and everything derived from it end now. Until you sign in again, the service is given no other one. Pages that need it will be refused.'
              : 'The tokens and everything derived from them end now. Until you sign in again, the services are given no others. Pages that need them will be refused.'}
          </p>
        </ConfirmDialog>
      )}
    </section>
  );
}

function nothingText(looked: number): string {
  return looked === 0 ? 'No service has acted for you yet.' : `None of these among the ${looked} newest.`;
}

interface PagerProps {
  readonly page: number;
  readonly hasOlder: boolean;
  readonly isLoading: boolean;
  readonly onNewer: () => void;
  readonly onOlder: () => void;
}

function Pager({ page, hasOlder, isLoading, onNewer, onOlder }: PagerProps) {
  if (page === 0 && !hasOlder) return null;
  return (
    <nav className="row" aria-label="Pages of the list">
      <Button small isBusy={page === 0} onClick={onNewer}>
        Newer
      </Button>
      <span className="muted">{`Page ${page + 1}`}</span>
      <Button small isBusy={!hasOlder || isLoading} onClick={onOlder}>
        {isLoading ? 'Loading…' : 'Older'}
      </Button>
    </nav>
  );
}

function LoadingRows() {
  return (
    <div className="stack">
      <Loading what="your delegations" />
      <Skeleton height="24rem" />
    </div>
  );
}

export interface DelegationFiltersProps {
  readonly filter: DelegationFilter;
  /** The clients that have acted. */
  readonly actors: readonly string[];
  readonly onChange: (filter: DelegationFilter) => void;
}

export function DelegationFilters({ filter, actors, onChange }: DelegationFiltersProps) {
  return (
    <>
      <Field label="Show">
        {(control) => (
          <select
            {...control}
            className="input"
            value={filter.standing}
            onChange={(event) =>
              onChange({ ...filter, standing: event.target.value as DelegationFilter['standing'] })
            }
          >
            <option value="all">All</option>
            <option value="live">Live now</option>
            <option value="ended">Over or taken back</option>
            <option value="refused">Refused</option>
          </select>
        )}
      </Field>
      <Field label="Service">
        {(control) => (
          <select
            {...control}
            className="input"
            value={filter.actor}
            onChange={(event) => onChange({ ...filter, actor: event.target.value })}
          >
            <option value="all">Every service</option>
            {actors.map((actor) => (
              <option key={actor} value={actor}>
                {clientName(actor).label}
              </option>
            ))}
          </select>
        )}
      </Field>
    </>
  );
}
