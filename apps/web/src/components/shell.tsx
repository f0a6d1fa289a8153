import type { ReactNode } from 'react';
import { Link, NavLink } from 'react-router';
import { useDeparture, useSessionState } from '../auth/session-context.tsx';
import css from './shell.module.css';
import { Notice } from './notice.tsx';
import { SessionEnd } from './session-end.tsx';

const PAGES = [
  ['/accounts', 'Accounts'],
  ['/pay', 'Pay'],
  ['/chain', 'What each service saw'],
  ['/experiments', 'Experiments'],
  ['/insights', 'Insights'],
  ['/delegations', 'Who acted for me'],
] as const;

/** What stands around every page: brand, navigation for the signed-in user, and sign-in or sign-out. */
export function Shell({ children }: { children: ReactNode }) {
  const state = useSessionState();
  const departure = useDeparture();
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
                <button
                  type="button"
                  className="button button-small"
                  disabled={departure.isLeaving}
                  onClick={departure.signOut}
                >
                  Sign out
                </button>
              </>
            )}
          </div>
        </div>
        {isSignedIn && <Navigation />}
      </header>
      <main className={css.main} id="main" tabIndex={-1}>
        {departure.failed && (
          <Notice tone="bad" title="The sign-in service cannot be reached">
            You are still signed in. Try again in a moment.
          </Notice>
        )}
        {children}
      </main>
      <footer className={css.footer}>
        A reference architecture for calls on a user’s behalf. Nothing here is real money.
      </footer>
      <SessionEnd />
    </>
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
