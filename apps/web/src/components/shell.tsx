import { useRef, type ReactNode } from 'react';
import { Link, NavLink, useLocation } from 'react-router';
import { useDeparture, useSession, useSessionState } from '../auth/session-context.tsx';
import type { SignInProblem } from '../auth/sign-in-problem.ts';
import { Announcements } from './announcements.tsx';
import { Boundary } from './boundary.tsx';
import { Button } from './button.tsx';
import { useFocusKeeper } from './focus.ts';
import { SignInProblemNotice } from './notice.tsx';
import css from './shell.module.css';

const PAGES = [
  ['/accounts', 'Accounts'],
  ['/pay', 'Pay'],
  ['/chain', 'What each service saw'],
  ['/experiments', 'Experiments'],
  ['/insights', 'Insights'],
  ['/agent', 'Agent'],
  ['/delegations', 'Who acted for me'],
] as const;

/** The frame of every page: brand, navigation for the signed-in user, and sign-out. */
export function Shell({ children }: { children: ReactNode }) {
  const state = useSessionState();
  const departure = useDeparture();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  useFocusKeeper(main);
  const isSignedIn = state.status === 'signed_in';
  return (
    <>
      <a className={css.skip} href="#main">
        Skip to the page
      </a>
      <header className={css.header}>
        <div className={css.bar}>
          <Link className={css.brand} to="/">
            <Mark />
            Behalf
          </Link>
          <div className={css.account}>
            {isSignedIn && (
              <>
                <span className={css.name}>
                  <bdi>{state.user.name}</bdi>
                </span>
                <Button small isBusy={departure.isLeaving} onClick={departure.signOut}>
                  Sign out
                </Button>
              </>
            )}
          </div>
        </div>
        {isSignedIn && <Navigation />}
      </header>
      <main ref={main} className={css.main} id="main" tabIndex={-1}>
        {departure.problem && (
          <div className={css.news}>
            <SignInProblemNotice tone="bad" problem={departure.problem}>
              <p>You are still signed in.</p>
            </SignInProblemNotice>
          </div>
        )}
        {isSignedIn && state.problem && (
          <div className={css.news}>
            <NotSignedInAnew problem={state.problem} />
          </div>
        )}
        <Boundary key={pathname}>{children}</Boundary>
      </main>
      <footer className={css.footer}>
        A reference architecture for calls on a user’s behalf. Nothing here is real money.
      </footer>
      <Announcements />
    </>
  );
}

/** A sign-in was cancelled or led nowhere, and the session of before goes on. */
function NotSignedInAnew({ problem }: { problem: SignInProblem }) {
  const session = useSession();
  return (
    <SignInProblemNotice problem={problem}>
      <p className="row">
        <span>The session that you had goes on: you are signed in.</span>
        <Button small onClick={() => session.dismissProblem()}>
          Close
        </Button>
      </p>
    </SignInProblemNotice>
  );
}

function Navigation() {
  return (
    <nav className={css.nav} aria-label="Pages">
      <ul>
        {PAGES.map(([path, label]) => (
          <li key={path}>
            <NavLink to={path} data-label={label}>
              {label}
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Mark() {
  return (
    <svg className={css.mark} viewBox="0 0 28 28" aria-hidden="true" focusable="false">
      <circle cx="10" cy="14" r="7" fill="none" stroke="var(--ink)" strokeWidth="2.5" />
      <circle cx="19" cy="14" r="7" fill="var(--accent)" fillOpacity="0.85" />
    </svg>
  );
}
