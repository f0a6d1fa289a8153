import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { LoginSession } from '../api/account-api.ts';
import { useApis } from '../api/apis-context.tsx';
import { sessionsQuery } from '../api/queries.ts';
import { formatMoment } from '../money/dates.ts';
import css from '../pages/delegations.module.css';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { Fault } from './fault.tsx';
import { Loading, Skeleton } from './skeleton.tsx';

/** Where the user is signed in. Ending one ends everything that hangs from it, here or elsewhere. */
export function LoginSessions() {
  const { account } = useApis();
  const queries = useQueryClient();
  const sessions = useQuery(sessionsQuery(account));
  const [asked, setAsked] = useState<LoginSession>();
  const end = useMutation({
    mutationFn: (session: LoginSession) => account.endSession(session.id),
    onSettled: () => queries.invalidateQueries(),
  });
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
        {sessions.data?.map((session) => (
          <li key={session.id} className={css.item}>
            <div className="stack-tight">
              <p className={css.what}>
                <strong>{`Signed in ${formatMoment(session.signed_in_at)}`}</strong>
                {session.current && <span className="badge badge-ok">this browser</span>}
              </p>
              <p className={css.facts}>{session.client_ids.join(', ')}</p>
            </div>
            <button
              type="button"
              className="button button-small"
              disabled={end.isPending}
              aria-label={`End the session of ${formatMoment(session.signed_in_at)}`}
              onClick={() => setAsked(session)}
            >
              End
            </button>
          </li>
        ))}
      </ul>
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
          <p>{asked.current ? 'You are signed out here as well.' : 'Whoever uses it must sign in again.'}</p>
        </ConfirmDialog>
      )}
    </section>
  );
}
