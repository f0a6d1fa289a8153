import { Link } from 'react-router';
import { useDeparture, useSessionState, type Departure } from '../auth/session-context.tsx';
import type { SessionState, SignedOutCause } from '../auth/session.ts';
import type { SignInProblem } from '../auth/sign-in-problem.ts';
import { Button } from '../components/button.tsx';
import { ChainPicture } from '../components/chain-picture.tsx';
import { Notice, SignInProblemNotice } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { useSessionRetries } from '../components/require-session.tsx';
import css from './landing.module.css';

/** The first page: what this is, and the way in. It is there at once, whether or not a session is being restored. */
export function LandingPage() {
  const state = useSessionState();
  const departure = useDeparture();
  return (
    <div className={css.landing}>
      <div className={css.hero}>
        <Page
          title="Calls on your behalf"
          lead="You ask one service, and it has to ask another one for you. It never gets to be you: each call carries a token of its own, which says whom it is about, where it is good, and who acts."
        >
          {!departure.problem && <News state={state} />}
          {state.status === 'signed_in' ? <Onward name={state.user.name} /> : <WayIn departure={departure} />}
        </Page>
        <ChainPicture />
      </div>
      <section className={css.questions} aria-label="What you can find out here">
        {QUESTIONS.map(([question, answer]) => (
          <div key={question} className="stack-tight">
            <h2>{question}</h2>
            <p className="muted">{answer}</p>
          </div>
        ))}
      </section>
    </div>
  );
}

const QUESTIONS = [
  [
    'Why not simply forward the token?',
    'A service that is sent your own token can use it as you wherever it is accepted, and afterwards nobody can tell it from you. Break the rule yourself and see the harm.',
  ],
  [
    'Who may act, and who did?',
    'One table at the token service says who may act where. Every token stands in a list of yours, and you can take each service’s right back.',
  ],
  [
    'What ends when you sign out?',
    'The token service refuses at once. A copy that is only checked by its signature lives on, for minutes at most. Watch the countdown.',
  ],
] as const;

function WayIn({ departure }: { departure: Departure }) {
  return (
    <div className="stack-tight">
      <p className="row">
        <Button look="primary" isBusy={departure.isLeaving} onClick={() => departure.signIn('/start')}>
          Sign in
        </Button>
        <span className="muted">and see it happen, in two minutes.</span>
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
        <Link className="button button-primary" to="/start">
          Watch, break, stop: two minutes
        </Link>
        <Link className="button" to="/accounts">
          Your accounts
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
