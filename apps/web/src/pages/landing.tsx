import { Link } from 'react-router';
import { useDeparture, useSession, useSessionState } from '../auth/session-context.tsx';
import type { SessionState, SignedOutCause } from '../auth/session.ts';
import { ChainPicture } from '../components/chain-picture.tsx';
import { Notice } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { asSentence } from '../components/sentence.ts';

/** The first page: what this is, and the way in. It is there at once, whether or not a session is being restored. */
export function LandingPage() {
  const state = useSessionState();
  return (
    <Page
      title="Calls on your behalf"
      lead="One service calls another for you. Your own token is never passed along: each hop gets its own, which says whom it is about, whom it is for, and who acts."
    >
      <News state={state} />
      {state.status === 'signed_in' ? <Onward name={state.user.name} /> : <WayIn />}
      <ChainPicture />
      <section className="stack-tight" aria-labelledby="why">
        <h2 id="why">Why not simply forward the token?</h2>
        <p className="prose muted">
          Whoever holds a forwarded token can use it anywhere that token is good, as you, and nobody can tell
          the difference afterwards. A delegated token is good at one service, for a few rights, for a short
          time, and it names the service that used it. Sign in and try both.
        </p>
      </section>
    </Page>
  );
}

function WayIn() {
  const departure = useDeparture();
  return (
    <div className="stack-tight">
      <p className="row">
        <button
          type="button"
          className="button button-primary"
          disabled={departure.isLeaving}
          onClick={() => departure.signIn('/accounts')}
        >
          Sign in
        </button>
        <span className="muted">
          Try <code>alice</code> / <code>alice</code> or <code>bob</code> / <code>bob</code>.
        </span>
      </p>
      {departure.failed && (
        <Notice tone="bad" title="The sign-in service cannot be reached">
          Try again in a moment.
        </Notice>
      )}
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
  other_user: 'Somebody else has signed in with this browser',
  refused: 'You were not signed in',
};

function News({ state }: { state: SessionState }) {
  const session = useSession();
  if (state.status === 'unreachable') {
    return (
      <Notice tone="warn" title="The sign-in service does not answer">
        <p>
          <button type="button" className="button button-small" onClick={() => void session.restore()}>
            Try again
          </button>
        </p>
      </Notice>
    );
  }
  const title = state.status === 'signed_out' ? NEWS[state.cause] : undefined;
  if (state.status !== 'signed_out' || title === undefined) return null;
  return (
    <Notice
      tone={state.cause === 'refused' ? 'warn' : 'plain'}
      title={title}
      {...(state.detail ? { children: asSentence(state.detail) } : {})}
    />
  );
}
