import {
  createContext,
  use,
  useCallback,
  useMemo,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from 'react';
import type { Session, SessionState, User } from './session.ts';
import type { StartedSession } from './start.ts';
import { SignInServiceError, type SignInProblem } from './sign-in-problem.ts';

type ProvidedSession = Pick<StartedSession, 'session' | 'userStorage'>;

const SessionContext = createContext<ProvidedSession | undefined>(undefined);

export function SessionProvider({
  session,
  userStorage,
  children,
}: ProvidedSession & { readonly children: ReactNode }) {
  const provided = useMemo(() => ({ session, userStorage }), [session, userStorage]);
  return <SessionContext value={provided}>{children}</SessionContext>;
}

function useProvided(): ProvidedSession {
  const provided = use(SessionContext);
  if (!provided) throw new Error('useSession outside of SessionProvider');
  return provided;
}

export function useSession(): Session {
  return useProvided().session;
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

/** Text that this tab keeps for the signed-in user under `name`. It can be written after the page has gone. */
export function useKept(name: string): { load: () => unknown; save: (value: unknown) => void } {
  const { userStorage } = useProvided();
  const { subject } = useUser();
  return useMemo(
    () => ({
      load: () => userStorage.load(subject, name),
      save: (value) => userStorage.save(subject, name, value),
    }),
    [userStorage, subject, name],
  );
}

/** Seconds that the server's clock is ahead of this device's. */
export function useClockOffset(): number {
  const { clock } = useSession();
  return useSyncExternalStore(clock.subscribe, clock.offsetSeconds);
}

export interface Departure {
  /** Leaves for the sign-in page and comes back to `returnTo`, by default to this page. */
  readonly signIn: (returnTo?: string) => void;
  /** The same for somebody whose session still lives, so that it begins anew; comes back to this page. */
  readonly signInAgain: () => void;
  /** Leaves for a sign-in that is at most so old, and comes back to this page. */
  readonly signInRecently: (maxAgeSeconds: number) => void;
  readonly signOut: () => void;
  /** The browser is on its way. */
  readonly isLeaving: boolean;
  /** Why the page could not be left; nothing has changed. */
  readonly problem: SignInProblem | undefined;
}

/** Leaving this page for the authorization server. */
export function useDeparture(): Departure {
  const session = useSession();
  const [phase, setPhase] = useState<'here' | 'leaving' | SignInProblem>('here');
  const leave = useCallback((address: Promise<string>) => {
    setPhase('leaving');
    address.then(
      (url) => location.assign(url),
      (error: unknown) =>
        setPhase(error instanceof SignInServiceError ? error.problem : { kind: 'no_answer' }),
    );
  }, []);
  const here = () => `${location.pathname}${location.search}`;
  return {
    signIn: (returnTo = here()) => leave(session.signInUrl(returnTo)),
    signInAgain: () => leave(session.signInUrl(here(), { again: true })),
    signInRecently: (maxAgeSeconds) => leave(session.signInUrl(here(), { maxAgeSeconds })),
    signOut: () => leave(session.signOutUrl()),
    isLeaving: phase === 'leaving',
    problem: typeof phase === 'string' ? undefined : phase,
  };
}
