import { useState, type ReactNode } from 'react';
import { useDeparture, useSession, useSessionState } from '../auth/session-context.tsx';
import type { SignedOutCause } from '../auth/session.ts';
import type { SignInProblem } from '../auth/sign-in-problem.ts';
import { signInProblemDetails, signInProblemText } from '../text/sign-in-text.ts';
import { Button } from './button.tsx';
import { useRetries } from './healing.ts';
import { Details, SignInProblemNotice } from './notice.tsx';
import { Loading, Page, Skeleton } from './page.tsx';

/** Shows its children to the signed-in user alone; everyone else sees why not, and the way on. */
export function RequireSession({ children }: { children: ReactNode }) {
  const state = useSessionState();
  switch (state.status) {
    case 'signed_in':
      return children;
    case 'restoring':
      return <Restoring />;
    case 'unavailable':
      return <Unavailable problem={state.problem} />;
    case 'signed_out':
      return <SignInAgain cause={state.cause} problem={state.problem} />;
  }
}

/** Stands where a page will be while it is not known whether somebody is signed in. */
export function Restoring() {
  return (
    <div className="stack">
      <Loading what="your session" />
      <Skeleton width="14rem" height="2.75rem" />
      <Skeleton width="min(36rem, 100%)" height="1.5rem" />
      <Skeleton height="12rem" />
    </div>
  );
}

/** Asks again by itself, with growing pauses, whether somebody is signed in. */
export function useSessionRetries(problem: SignInProblem) {
  const session = useSession();
  const [failed, setFailed] = useState({ problem, times: 1 });
  const [isRetrying, setRetrying] = useState(false);
  if (failed.problem !== problem) setFailed({ problem, times: failed.times + 1 });
  const retry = () => {
    setRetrying(true);
    void session.restore().then(() => setRetrying(false));
  };
  useRetries({ isOn: true, times: failed.times, cause: problem, retry });
  return { isRetrying, retry };
}

function Unavailable({ problem }: { problem: SignInProblem }) {
  const { isRetrying, retry } = useSessionRetries(problem);
  const { title, text } = signInProblemText(problem);
  return (
    <Page title={title} lead={`${text} So this page cannot find out whether you are signed in.`}>
      <p className="row">
        <Button look="primary" isBusy={isRetrying} onClick={retry}>
          {isRetrying ? 'Trying…' : 'Try again'}
        </Button>
        <span className="muted">This page also tries again by itself.</span>
      </p>
      <Details text={signInProblemDetails(problem)} />
    </Page>
  );
}

const TEXTS: Readonly<Record<Exclude<SignedOutCause, 'failed'>, readonly [title: string, text: string]>> = {
  nobody: ['Sign in to see this page', 'After that you come back here.'],
  signed_out: ['You are signed out', 'Sign in to see this page again.'],
  ended: ['Your session has ended', 'Sign in again to come back here. What you typed is kept.'],
  other_tab: ['You signed out in another tab', 'Sign in to see this page again.'],
  other_user: [
    'Another person has signed in with this browser',
    'Your session has ended, and this tab shows and keeps nothing of it.',
  ],
};

interface SignInAgainProps {
  readonly cause: SignedOutCause;
  readonly problem: SignInProblem | undefined;
}

function SignInAgain({ cause, problem }: SignInAgainProps) {
  const departure = useDeparture();
  const failure = signInProblemText(problem ?? { kind: 'refused' });
  const [title, text] = cause === 'failed' ? [failure.title, failure.text] : TEXTS[cause];
  return (
    <Page title={title} lead={text}>
      <p className="row">
        <Button look="primary" isBusy={departure.isLeaving} onClick={() => departure.signIn()}>
          Sign in
        </Button>
      </p>
      {departure.problem && <SignInProblemNotice tone="bad" problem={departure.problem} />}
      <Details text={problem && signInProblemDetails(problem)} />
    </Page>
  );
}
