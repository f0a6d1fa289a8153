import type { ReactNode } from 'react';
import { useDeparture, useSession, useSessionState } from '../auth/session-context.tsx';
import type { SignedOutCause } from '../auth/session.ts';
import { Page } from './page.tsx';
import { Loading, Skeleton } from './skeleton.tsx';

/** Shows its children to the signed-in user alone; everyone else sees why not, and the way on. */
export function RequireSession({ children }: { children: ReactNode }) {
  const state = useSessionState();
  switch (state.status) {
    case 'signed_in':
      return children;
    case 'restoring':
      return <Restoring />;
    case 'unreachable':
      return <Unreachable />;
    case 'signed_out':
      return <SignInAgain cause={state.cause} detail={state.detail} />;
  }
}

function Restoring() {
  return (
    <div className="stack">
      <Loading what="your session" />
      <Skeleton width="14rem" height="2.75rem" />
      <Skeleton width="min(36rem, 100%)" height="1.5rem" />
      <Skeleton height="12rem" />
    </div>
  );
}

function Unreachable() {
  const session = useSession();
  return (
    <Page
      title="The sign-in service does not answer"
      lead="Whether you are signed in cannot be found out right now."
    >
      <p>
        <button type="button" className="button button-primary" onClick={() => void session.restore()}>
          Try again
        </button>
      </p>
    </Page>
  );
}

const TEXTS: Readonly<Record<SignedOutCause, readonly [title: string, text: string]>> = {
  nobody: ['Sign in to see this page', 'You come straight back here.'],
  signed_out: ['You are signed out', 'Sign in to see this page again.'],
  ended: ['Your session has ended', 'Sign in again and go on where you were. What you typed is kept.'],
  other_tab: [
    'You signed out in another tab',
    'Sign in again and go on where you were. What you typed is kept.',
  ],
  other_user: ['Somebody else has signed in with this browser', 'Nothing of yours is shown here any more.'],
  refused: ['You were not signed in', 'The sign-in service said no.'],
};

function SignInAgain({ cause, detail }: { cause: SignedOutCause; detail: string | undefined }) {
  const departure = useDeparture();
  const [title, text] = TEXTS[cause];
  return (
    <Page title={title} lead={text}>
      {detail !== undefined && <p className="muted">{detail}</p>}
      <p className="row">
        <button
          type="button"
          className="button button-primary"
          disabled={departure.isLeaving}
          onClick={() => departure.signIn()}
        >
          Sign in
        </button>
      </p>
      {departure.failed && <p role="alert">The sign-in service cannot be reached. Try again in a moment.</p>}
    </Page>
  );
}
