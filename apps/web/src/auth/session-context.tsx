import { createContext, use, useCallback, useState, useSyncExternalStore, type ReactNode } from 'react';
import type { Session, SessionState, User } from './session.ts';

const SessionContext = createContext<Session | undefined>(undefined);

export function SessionProvider({ session, children }: { session: Session; children: ReactNode }) {
  return <SessionContext value={session}>{children}</SessionContext>;
}

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error('useSession outside of SessionProvider');
  return session;
}

export function useSessionState(): SessionState {
  const session = useSession();
  return useSyncExternalStore(session.subscribe, session.state);
}

/** The signed-in user. Throws outside of RequireSession. */
export function useUser(): User {
  const state = useSessionState();
  if (state.status !== 'signed_in') throw new Error('nobody is signed in');
  return state.user;
}

export interface Departure {
  /** Leaves for the sign-in page and comes back to `returnTo`, by default to this page. */
  readonly signIn: (returnTo?: string) => void;
  /** The same for somebody whose session still lives, so that it begins anew; comes back to this page. */
  readonly signInAgain: () => void;
  readonly signOut: () => void;
  /** The browser is on its way. */
  readonly isLeaving: boolean;
  /** The authorization server could not be reached; nothing has changed. */
  readonly failed: boolean;
}

/** Leaving this page for the authorization server. */
export function useDeparture(): Departure {
  const session = useSession();
  const [phase, setPhase] = useState<'here' | 'leaving' | 'failed'>('here');
  const leave = useCallback((address: Promise<string>) => {
    setPhase('leaving');
    address.then(
      (url) => location.assign(url),
      () => setPhase('failed'),
    );
  }, []);
  const here = () => `${location.pathname}${location.search}`;
  return {
    signIn: (returnTo = here()) => leave(session.signInUrl(returnTo)),
    signInAgain: () => leave(session.signInUrl(here(), { again: true })),
    signOut: () => leave(session.signOutUrl()),
    isLeaving: phase === 'leaving',
    failed: phase === 'failed',
  };
}
