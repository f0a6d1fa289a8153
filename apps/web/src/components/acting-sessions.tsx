import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { LoginSession } from '../api/account-api.ts';
import { useApis } from '../api/apis-context.tsx';
import { delegationsQuery, sessionsQuery } from '../api/queries.ts';
import { useSession } from '../auth/session-context.tsx';
import {
  allLive,
  liveToken,
  rowsOf,
  treesOf,
  withDescendants,
  type ActingNode,
  type SessionTree,
} from '../calls/delegations.ts';
import { clientName } from '../calls/services.ts';
import { formatMoment } from '../text/dates.ts';
import { ActingTree, EndsWith, type TreeHandlers } from './acting-tree.tsx';
import css from './acting-tree.module.css';
import { Button } from './button.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { Fault } from './fault.tsx';
import { useHealing } from './healing.ts';
import { Loading, Skeleton } from './page.tsx';
import { TakenBack } from './taken-back.tsx';

const SHOWN_AT_FIRST = 3;
const UNKNOWN_BROWSER = 'Unknown browser';

/** What is asked about before it is done. */
type Question =
  | { readonly kind: 'node'; readonly node: ActingNode }
  | { readonly kind: 'all'; readonly jtis: readonly string[] }
  | { readonly kind: 'session'; readonly session: LoginSession };

const NO_TREE: SessionTree = { nodes: [], refusals: [] };

/** Each login session with the services that acted in it, and the way to end a session, a service's right, or all of them. */
export function ActingSessions() {
  const { account } = useApis();
  const queries = useQueryClient();
  const { clock } = useSession();
  const sessions = useQuery(sessionsQuery(account));
  const list = useInfiniteQuery(delegationsQuery(account));
  const [sessionsHealing, listHealing] = [useHealing(sessions), useHealing(list)];
  const [asked, setAsked] = useState<Question>();
  const [showsAll, setShowsAll] = useState(false);
  const [pointedAt, setPointedAt] = useState<ActingNode>();
  const onSettled = () => queries.invalidateQueries();
  const takeBack = useMutation({
    mutationFn: async ({ jtis }: { jtis: readonly string[]; key?: string }) => {
      for (const jti of jtis) await account.revokeDelegation(jti);
      return jtis.length;
    },
    onSettled,
  });
  const end = useMutation({
    mutationFn: (session: LoginSession) => account.endSession(session.id),
    onSettled,
  });
  const askForAll = useMutation({
    mutationFn: () => allLive(list, clock.now()),
    onSuccess: (live) => live.length > 0 && setAsked({ kind: 'all', jtis: live.map(({ jti }) => jti) }),
  });

  const rows = rowsOf(list);
  const trees = treesOf(rows);
  const threatened = asked?.kind === 'node' ? asked.node : pointedAt;
  const tried = takeBack.variables;
  const news = (
    <>
      {takeBack.isError && <Fault title="It could not be taken back" error={takeBack.error} />}
      {takeBack.isSuccess && <TakenBack key={takeBack.submittedAt} count={takeBack.data} />}
    </>
  );
  const handlers: TreeHandlers = {
    endangered: new Set(
      threatened && liveToken(threatened) ? withDescendants(threatened).map(({ key }) => key) : [],
    ),
    isBusy: takeBack.isPending,
    onPoint: setPointedAt,
    onTakeBack: (node) => setAsked({ kind: 'node', node }),
    newsOf: ({ key }) => (tried?.key === key ? news : null),
  };
  const current = sessions.data?.toSorted((a, b) => Number(b.current) - Number(a.current)) ?? [];
  const known = new Set(current.map(({ id }) => id));
  const past = [...trees].filter(([id]) => !known.has(id));
  const isAnyLive = rows.some(({ active }) => active);
  const confirm = (question: Question) => {
    setAsked(undefined);
    if (question.kind === 'session') return end.mutate(question.session);
    if (question.kind === 'all') return takeBack.mutate({ jtis: question.jtis });
    const token = liveToken(question.node);
    if (token) takeBack.mutate({ jtis: [token.jti], key: question.node.key });
  };
  return (
    <>
      <p className="row">
        <Button
          look="bad"
          isBusy={!isAnyLive || takeBack.isPending || askForAll.isPending}
          onClick={() => askForAll.mutate()}
        >
          Take all back
        </Button>
        <span className="muted">Every service loses the right to act for you, in every session.</span>
      </p>
      {tried && tried.key === undefined && news}
      {askForAll.isError && <Fault title="The list could not be loaded" error={askForAll.error} />}
      {(sessions.isPending || list.isPending) && !sessionsHealing.error && !listHealing.error && (
        <>
          <Loading what="who acted for you" />
          <Skeleton height="24rem" />
        </>
      )}
      {sessionsHealing.error && (
        <Fault
          title="Your sessions could not be loaded"
          error={sessionsHealing.error}
          onRetry={sessionsHealing.retry}
          isRetrying={sessionsHealing.isRetrying}
        />
      )}
      {listHealing.error && (
        <Fault
          title="The list could not be loaded"
          error={listHealing.error}
          onRetry={listHealing.retry}
          isRetrying={listHealing.isRetrying}
        />
      )}
      {end.isError && <Fault title="The session could not be ended" error={end.error} />}
      <ul className={css.sessions} aria-label="Sessions">
        {current.slice(0, showsAll ? Infinity : SHOWN_AT_FIRST).map((session) => (
          <li key={session.id}>
            <article className={`card ${css.session}`}>
              <SessionHead
                session={session}
                isBusy={end.isPending}
                onEnd={() => setAsked({ kind: 'session', session })}
              />
              <ActingTree tree={trees.get(session.id) ?? NO_TREE} handlers={handlers} />
              {list.data && !trees.has(session.id) && (
                <p className="muted">No service has acted for you in this session.</p>
              )}
            </article>
          </li>
        ))}
      </ul>
      {current.length > SHOWN_AT_FIRST && (
        <p>
          <Button small onClick={() => setShowsAll(!showsAll)}>
            {showsAll ? 'Show fewer' : `Show all ${current.length} sign-ins`}
          </Button>
        </p>
      )}
      {past.length > 0 && (
        <details className={`card ${css.session}`}>
          <summary>Sessions that have ended</summary>
          {past.map(([id, tree]) => (
            <ActingTree key={id} tree={tree} handlers={handlers} />
          ))}
        </details>
      )}
      {list.hasNextPage && (
        <p>
          <Button small isBusy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {list.isFetchingNextPage ? 'Loading…' : 'Load older ones'}
          </Button>
        </p>
      )}
      {asked && (
        <ConfirmDialog
          title={titleOf(asked)}
          action={asked.kind === 'session' ? 'End it' : 'Take back'}
          onCancel={() => setAsked(undefined)}
          onConfirm={() => confirm(asked)}
        >
          <Explanation asked={asked} />
        </ConfirmDialog>
      )}
    </>
  );
}

interface SessionHeadProps {
  readonly session: LoginSession;
  readonly isBusy: boolean;
  readonly onEnd: () => void;
}

function SessionHead({ session, isBusy, onEnd }: SessionHeadProps) {
  const { browser, current, signed_in_at: at, client_ids: clients } = session;
  const name = browser ?? UNKNOWN_BROWSER;
  return (
    <div className={css.head}>
      <div className="stack-tight">
        <h2 className={css.what}>
          <bdi>{name}</bdi>
          {current && <span className="badge badge-ok">this browser</span>}
        </h2>
        <p className={css.facts}>
          <span>{`Signed in ${formatMoment(at)}`}</span>
          <span>{clients.map((id) => clientName(id).label).join(', ')}</span>
        </p>
      </div>
      <Button
        small
        isBusy={isBusy}
        aria-label={`End the session: ${name}, ${formatMoment(at)}`}
        onClick={onEnd}
      >
        End
      </Button>
    </div>
  );
}

function titleOf(asked: Question): string {
  if (asked.kind === 'session')
    return asked.session.current ? 'End the session of this browser?' : 'End this session?';
  if (asked.kind === 'node') return 'Take this delegation back?';
  return asked.jtis.length === 1
    ? 'Take this delegation back?'
    : `Take ${asked.jtis.length} delegations back?`;
}

function Explanation({ asked }: { asked: Question }) {
  if (asked.kind === 'session') {
    const { browser, signed_in_at: at, current } = asked.session;
    return (
      <>
        <p>{`${browser ?? UNKNOWN_BROWSER}, signed in ${formatMoment(at)}.`}</p>
        <p>{current ? 'You are signed out here as well.' : 'To use it again one has to sign in.'}</p>
      </>
    );
  }
  return (
    <>
      {asked.kind === 'node' && <EndsWith node={asked.node} />}
      <p>Until you sign in again, no other token is issued for that. Pages that need it will be refused.</p>
    </>
  );
}
