import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { LoginSession } from '../api/account-api.ts';
import { useApis } from '../api/apis-context.tsx';
import { sessionsQuery } from '../api/queries.ts';
import { clientName } from '../calls/services.ts';
import css from '../pages/delegations.module.css';
import { formatMoment } from '../text/dates.ts';
import { Button } from './button.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { Fault } from './fault.tsx';
import { useHealing } from './healing.ts';
import { Loading, Skeleton } from './page.tsx';

const SHOWN_AT_FIRST = 3;
const UNKNOWN_BROWSER = 'Unknown browser';

/** The login sessions of the user. Ending one ends all its tokens, in this browser or another. */
export function LoginSessions() {
  const { account } = useApis();
  const queries = useQueryClient();
  const sessions = useQuery(sessionsQuery(account));
  const { error, isRetrying, retry } = useHealing(sessions);
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
      {sessions.isPending && !error && (
        <>
          <Loading what="your sessions" />
          <Skeleton height="3.5rem" />
        </>
      )}
      {error && (
        <Fault
          title="Your sessions could not be loaded"
          error={error}
          onRetry={retry}
          isRetrying={isRetrying}
        />
      )}
      {end.isError && <Fault title="The session could not be ended" error={end.error} />}
      <ul className={css.list} aria-label="Sessions">
        {shown.map((session) => (
          <li key={session.id} className={css.item}>
            <div className="stack-tight">
              <p className={css.what}>
                <strong>
                  <bdi>{session.browser ?? UNKNOWN_BROWSER}</bdi>
                </strong>
                {session.current && <span className="badge badge-ok">this browser</span>}
              </p>
              <p className={css.facts}>
                <span>{`Signed in ${formatMoment(session.signed_in_at)}`}</span>
                <span>{session.client_ids.map((id) => clientName(id).label).join(', ')}</span>
              </p>
            </div>
            <Button
              small
              isBusy={end.isPending}
              aria-label={`End the session: ${session.browser ?? UNKNOWN_BROWSER}, ${formatMoment(session.signed_in_at)}`}
              onClick={() => setAsked(session)}
            >
              End
            </Button>
          </li>
        ))}
      </ul>
      {all.length > SHOWN_AT_FIRST && (
        <p>
          <Button small onClick={() => setShowsAll(!showsAll)}>
            {showsAll ? 'Show fewer' : `Show all ${all.length}`}
          </Button>
        </p>
      )}
      {asked && (
        <ConfirmDialog
          title={asked.current ? 'End the session of this browser?' : 'End this session?'}
          action="End it"
          onCancel={() => setAsked(undefined)}
          onConfirm={() => {
            end.mutate(asked);
            setAsked(undefined);
          }}
        >
          <p>{`${asked.browser ?? UNKNOWN_BROWSER}, signed in ${formatMoment(asked.signed_in_at)}.`}</p>
          <p>{asked.current ? 'You are signed out here as well.' : 'To use it again one has to sign in.'}</p>
        </ConfirmDialog>
      )}
    </section>
  );
}
