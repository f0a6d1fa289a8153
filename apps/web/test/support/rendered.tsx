import { configure, render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { MemoryRouter } from 'react-router';
import { ApisProvider } from '../../src/api/apis-context.tsx';
import { CacheOfOneUser } from '../../src/api/cache-of-one-user.tsx';
import type { TokenOutcome } from '../../src/auth/authorization-server.ts';
import { SessionProvider } from '../../src/auth/session-context.tsx';
import { Session } from '../../src/auth/session.ts';
import { configAt } from './client-config.ts';

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
  render(
    <SessionProvider session={session}>
      <CacheOfOneUser>
        <ApisProvider config={configAt(url)}>
          <MemoryRouter>{children}</MemoryRouter>
        </ApisProvider>
      </CacheOfOneUser>
    </SessionProvider>,
  );
}

export interface SessionParts {
  /** Epoch seconds; by default always the same. */
  readonly now?: () => number;
  /** When the login session ends; asked at each authorization. Undefined: the server does not say. */
  readonly endsAt?: () => number | undefined;
  /** The login session has been ended at the server. */
  readonly isOver?: () => boolean;
}

/** A session whose authorization server always answers: here it is only where tokens come from. */
export function createSession({ now = () => NOW, endsAt, isOver }: SessionParts = {}): Session {
  let issued = 0;
  const tokensFor = async (resource: string): Promise<TokenOutcome> => ({
    ok: true,
    tokens: {
      subject: 'usr_alice',
      name: 'Alice Adler',
      email: undefined,
      idToken: 'id-token',
      accessToken: `token-${++issued}`,
      resource,
      expiresAt: NOW + 600,
      refreshToken: 'refresh-token',
      sessionEndsAt: endsAt?.(),
      returnTo: undefined,
    },
  });
  return new Session({
    authorizationServer: {
      signInUrl: async (returnTo, options) => `#sign-in${options?.again ? '-again' : ''}:${returnTo}`,
      unseenUrl: async () => '#unseen',
      redeem: async () =>
        isOver?.()
          ? { ok: false, fault: 'refused', error: 'login_required', description: '' }
          : tokensFor('http://api1.example'),
      refresh: (_tokens, resource) => tokensFor(resource),
      signOutUrl: async () => '#signed-out',
      isReturnFromSignOut: async () => false,
    },
    askUnseen: async () => '#callback',
    tellOtherTabs: () => undefined,
    now,
  });
}
