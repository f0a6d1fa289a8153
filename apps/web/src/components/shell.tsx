import { useRef, useState, type ReactNode } from 'react';
import { Link, NavLink, useLocation } from 'react-router';
import { useApis } from '../api/apis-context.tsx';
import { useDeparture, useSession, useSessionState } from '../auth/session-context.tsx';
import type { SignInProblem } from '../auth/sign-in-problem.ts';
import { Announcements } from './announcements.tsx';
import { Boundary } from './boundary.tsx';
import { Button } from './button.tsx';
import { useFocusKeeper } from './focus.ts';
import { SignInProblemNotice } from './notice.tsx';
import css from './shell.module.css';

const LESSONS = [
  ['/start', 'Start here'],
  ['/chain', 'What each service saw'],
  ['/policy', 'Who may act'],
  ['/delegations', 'Who acted for me'],
  ['/experiments', 'Experiments'],
  ['/agent', 'Agent'],
] as const;

/** The application that the lessons are about. */
const BANK = [
  ['/accounts', 'Accounts'],
  ['/pay', 'Pay'],
  ['/insights', 'Insights'],
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
  const { experiments } = useApis().config;
  const { pathname } = useLocation();
  // The page that it was opened on: on another one it is closed again.
  const [openOn, setOpenOn] = useState<string>();
  const isOpen = openOn === pathname;
  return (
    <nav className={css.nav} aria-label="Pages">
      <button
        type="button"
        className={css.menu}
        aria-expanded={isOpen}
        aria-controls="pages"
        onClick={() => setOpenOn(isOpen ? undefined : pathname)}
      >
        Menu
      </button>
      <div id="pages" className={isOpen ? css.open : ''}>
        <Links label="Lessons" pages={LESSONS.filter(([path]) => experiments || path !== '/policy')} />
        <Links label="Example bank" pages={BANK} />
      </div>
    </nav>
  );
}

function Links({
  label,
  pages,
}: {
  label: string;
  pages: readonly (readonly [path: string, label: string])[];
}) {
  return (
    <div className={css.group}>
      <span className={css.groupLabel} aria-hidden="true">
        {label}
      </span>
      <ul aria-label={label}>
        {pages.map(([path, text]) => (
          <li key={path}>
            <NavLink to={path} data-label={text}>
              {text}
            </NavLink>
          </li>
        ))}
      </ul>
    </div>
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
