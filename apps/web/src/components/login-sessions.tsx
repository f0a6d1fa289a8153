import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { LoginSession } from '../api/account-api.ts';
import { useApis } from '../api/apis-context.tsx';
import { sessionsQuery } from '../api/queries.ts';
import { clientName } from '../calls/services.ts';
import { formatMoment } from '../money/dates.ts';
import css from '../pages/delegations.module.css';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { Fault } from './fault.tsx';
import { Loading, Skeleton } from './skeleton.tsx';

const SHOWN_AT_FIRST = 3;
const UNKNOWN_BROWSER = 'A browser of unknown make';

/** Where the user is signed in. Ending one ends everything that hangs from it, here or elsewhere. */
export function LoginSessions() {
  const { account } = useApis();
  const queries = useQueryClient();
  const sessions = useQuery(sessionsQuery(account));
  const [asked, setAsked] = useState<LoginSession>();
  const [showsAll, setShowsAll] = useState(false);
  const end = useMutation({
    mutationFn: (session: LoginSession) => account.endSession(session.id),
    onSettled: () => queries.invalidateQueries(),
  });
  const all = sessions.data?.toSorted((a, b) => Number(b.current) - Number(a.current)) ?? [];
  const shown = showsAll ? all : all.slice(0, SHOWN_AT_FIRST);
  return (
    <section className="card stack" aria-labelledby="sessions">
      <h2 id="sessions">Where you are signed in</h2>
      {sessions.isPending && (
        <>
          <Loading what="your sessions" />
          <Skeleton height="3.5rem" />
        </>
      )}
      {sessions.isError && (
        <Fault
          title="Your sessions could not be loaded"
          error={sessions.error}
          onRetry={() => void sessions.refetch()}
        />
      )}
      {end.isError && <Fault title="The session could not be ended" error={end.error} />}
      <ul className={css.list} aria-label="Sessions">
        {shown.map((session) => (
          <li key={session.id} className={css.item}>
            <div className="stack-tight">
              <p className={css.what}>
                <strong>{session.browser ?? UNKNOWN_BROWSER}</strong>
                {session.current && <span className="badge badge-ok">this browser</span>}
              </p>
              <p className={css.facts}>
                <span>{`Signed in ${formatMoment(session.signed_in_at)}`}</span>
                <span>{session.client_ids.map((id) => clientName(id).label).join(', ')}</span>
              </p>
            </div>
            <button
              type="button"
              className="button button-small"
              disabled={end.isPending}
              aria-label={`End the session: ${session.browser ?? UNKNOWN_BROWSER}, ${formatMoment(session.signed_in_at)}`}
              onClick={() => setAsked(session)}
            >
              End
            </button>
          </li>
        ))}
      </ul>
      {all.length > SHOWN_AT_FIRST && (
        <p>
          <button type="button" className="button button-small" onClick={() => setShowsAll(!showsAll)}>
            {showsAll ? 'Show fewer' : `Show all ${all.length}`}
          </button>
        </p>
      )}
      {asked && (
        <ConfirmDialog
          title={asked.current ? 'End this very session?' : 'End this session?'}
          action="End it"
          onCancel={() => setAsked(undefined)}
          onConfirm={() => {
            end.mutate(asked);
            setAsked(undefined);
          }}
        >
          <p>{`${asked.browser ?? UNKNOWN_BROWSER}, signed in ${formatMoment(asked.signed_in_at)}.`}</p>
          <p>{asked.current ? 'You are signed out here as well.' : 'Whoever uses it must sign in again.'}</p>
        </ConfirmDialog>
      )}
    </section>
  );
}
