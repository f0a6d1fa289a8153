import { Link } from 'react-router';
import { useDeparture, useSessionState, type Departure } from '../auth/session-context.tsx';
import type { SessionState, SignedOutCause } from '../auth/session.ts';
import type { SignInProblem } from '../auth/sign-in-problem.ts';
import { Button } from '../components/button.tsx';
import { ChainPicture } from '../components/chain-picture.tsx';
import { Notice, SignInProblemNotice } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { useSessionRetries } from '../components/require-session.tsx';

/** The first page: what this is, and the way in. It is there at once, whether or not a session is being restored. */
export function LandingPage() {
  const state = useSessionState();
  const departure = useDeparture();
  return (
    <Page
      title="Calls on your behalf"
      lead="One service calls another for you. Your own token is never passed along. Each call carries a token of its own that says who the user is, which service it is for, and which service acts."
    >
      {!departure.problem && <News state={state} />}
      {state.status === 'signed_in' ? <Onward name={state.user.name} /> : <WayIn departure={departure} />}
      <ChainPicture />
      <section className="stack-tight" aria-labelledby="why">
        <h2 id="why">Why not simply forward the token?</h2>
        <p className="prose muted">
          A service that is sent your own token can use it as you at every other service that accepts it, and
          afterwards it cannot be told from you. A delegated token is for one service, for a few rights and
          for a short time, and it names the service that uses it. Sign in and try both.
        </p>
      </section>
    </Page>
  );
}

function WayIn({ departure }: { departure: Departure }) {
  return (
    <div className="stack-tight">
      <p className="row">
        <Button look="primary" isBusy={departure.isLeaving} onClick={() => departure.signIn('/accounts')}>
          Sign in
        </Button>
        <span className="muted">
          Try <code>alice</code> / <code>alice</code> or <code>bob</code> / <code>bob</code>.
        </span>
      </p>
      {departure.problem && <SignInProblemNotice tone="bad" problem={departure.problem} />}
    </div>
  );
}

function Onward({ name }: { name: string }) {
  return (
    <div className="stack-tight">
      <p>
        Welcome, <bdi>{name}</bdi>.
      </p>
      <p className="row">
        <Link className="button button-primary" to="/chain">
          Watch a call
        </Link>
        <Link className="button" to="/experiments">
          Try to break it
        </Link>
      </p>
    </div>
  );
}

const NEWS: Readonly<Partial<Record<SignedOutCause, string>>> = {
  signed_out: 'You are signed out',
  other_tab: 'You signed out in another tab',
  ended: 'Your session has ended',
  other_user: 'Another person has signed in with this browser',
};

function News({ state }: { state: SessionState }) {
  if (state.status === 'unavailable') return <Unavailable problem={state.problem} />;
  if (state.status !== 'signed_out') return null;
  if (state.problem) return <SignInProblemNotice problem={state.problem} />;
  const title = NEWS[state.cause];
  return title === undefined ? null : <Notice tone="plain" title={title} />;
}

function Unavailable({ problem }: { problem: SignInProblem }) {
  const { isRetrying, retry } = useSessionRetries(problem);
  return (
    <SignInProblemNotice problem={problem}>
      <p className="row">
        <Button small isBusy={isRetrying} onClick={retry}>
          {isRetrying ? 'Trying…' : 'Try again'}
        </Button>
        <span className="muted">This page also tries again by itself.</span>
      </p>
    </SignInProblemNotice>
  );
}
