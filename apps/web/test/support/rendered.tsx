import { configure, render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { MemoryRouter } from 'react-router';
import { ApisProvider, CacheOfOneUser } from '../../src/api/apis-context.tsx';
import type { TokenOutcome } from '../../src/auth/authorization-server.ts';
import type { ProofKey } from '../../src/auth/proof-key.ts';
import { ServerClock } from '../../src/auth/server-clock.ts';
import { SessionProvider } from '../../src/auth/session-context.tsx';
import { Session } from '../../src/auth/session.ts';
import type { SignInProblem } from '../../src/auth/sign-in-problem.ts';
import { createUserStorage } from '../../src/auth/user-storage.ts';
import { WaitingContext, type Waiting } from '../../src/components/healing.ts';
import { configAt } from './services.ts';

// How long an answer takes is not what these tests are about, and machines differ.
configure({ asyncUtilTimeout: 45_000 });

/** Epoch seconds. */
export const NOW = 1_800_000_000;

/** Renders with everything around it that the application has, as alice, with all services at one address. */
export async function renderSignedIn(
  children: ReactNode,
  url: string,
  session: Session = createSession(),
): Promise<void> {
  await session.restore();
  renderWith(children, session, url);
}

/** The pauses of a page that loads again by itself: none. */
const NO_WAITING: Waiting = { pausesSeconds: [0], slowAfterMs: 60_000 };

/** The same with a session in whatever state it is. */
export function renderWith(children: ReactNode, session: Session, url: string, waiting = NO_WAITING): void {
  render(
    <WaitingContext value={waiting}>
      <SessionProvider session={session} userStorage={createUserStorage(sessionStorage)}>
        <CacheOfOneUser>
          <ApisProvider config={configAt(url)}>
            <MemoryRouter>{children}</MemoryRouter>
          </ApisProvider>
        </CacheOfOneUser>
      </SessionProvider>
    </WaitingContext>,
  );
}

export interface SessionParts {
  /** The device's clock, in epoch seconds; by default always the same. */
  readonly now?: () => number;
  /** The right time. Undefined: it cannot be had. */
  readonly serverNow?: () => number | undefined;
  /** When the login session ends; asked at each authorization. Undefined: the server does not say. */
  readonly endsAt?: () => number | undefined;
  /** `auth_time` of the ID token. */
  readonly signedInAt?: number;
  readonly proofKey?: Promise<ProofKey>;
  /** Undefined: the login session lives. */
  readonly problem?: () => SignInProblem | undefined;
}

/** A session whose authorization server always answers: here it is only where tokens come from. */
export function createSession({
  now = () => NOW,
  serverNow = () => undefined,
  endsAt,
  signedInAt,
  proofKey,
  problem = () => undefined,
}: SessionParts = {}): Session {
  let issued = 0;
  const clock = new ServerClock({ deviceNow: now, askServer: async () => serverNow() });
  const tokensFor = async (resource: string): Promise<TokenOutcome> => ({
    ok: true,
    tokens: {
      subject: 'usr_alice',
      name: 'Alice Adler',
      idToken: 'id-token',
      claims: {
        iss: 'i',
        aud: 'web.client',
        sub: 'usr_alice',
        iat: NOW,
        exp: NOW + 600,
        ...(signedInAt === undefined ? {} : { auth_time: signedInAt }),
      },
      accessToken: `token-${++issued}`,
      resource,
      expiresAt: NOW + 600,
      refreshToken: 'refresh-token',
      sessionEndsAt: endsAt?.(),
    },
  });
  return new Session({
    authorizationServer: {
      signInUrl: async (returnTo, options) =>
        `#sign-in${options?.again ? '-again' : ''}${options?.maxAgeSeconds ?? ''}:${returnTo}`,
      silentUrl: async () => '#silent',
      redeem: async () => {
        await clock.adjust();
        const found = problem();
        return found ? { ok: false, problem: found } : tokensFor('http://api1.example');
      },
      refresh: (_tokens, resource) => tokensFor(resource),
      signOutUrl: async () => '#signed-out',
      forgetRequests: () => undefined,
      returnFromSignOut: () => undefined,
    },
    silentAuthorize: async () => '#callback',
    tellOtherTabs: () => undefined,
    forgetOthers: () => undefined,
    clock,
    proofKey,
  });
}
