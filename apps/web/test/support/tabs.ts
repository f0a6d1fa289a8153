import { afterEach, beforeEach } from 'vitest';
import { createAuthorizationServer } from '../../src/auth/authorization-server.ts';
import { ServerClock } from '../../src/auth/server-clock.ts';
import { Session, type TabMessage } from '../../src/auth/session.ts';
import { createUserStorage } from '../../src/auth/user-storage.ts';
import {
  API,
  CLIENT_ID,
  REDIRECT_URI,
  startAuthorizationServer,
  type TestAuthorizationServer,
} from './authorization-server.ts';
import { MemoryStorage } from './memory-storage.ts';

/** Longer than an access token is handed out for. */
export const EXPIRED_SECONDS = 590;

/** A browser with tabs of the client, at an authorization server that is new for each test. */
export class TestTabs {
  server!: TestAuthorizationServer;
  /** The device's clock, in epoch seconds. */
  clock = 0;
  /** How far the device's clock is from the right time, in seconds. Undefined: the right time cannot be had. */
  clockError: number | undefined = undefined;
  /** Whether a hidden frame gets through to the authorization server. */
  framesWork = true;

  /** One tab. Tabs share the browser's cookies and hear each other; everything else is the tab's own. */
  open(others: readonly Session[] = [], stateStorage = new MemoryStorage()) {
    const said: TabMessage[] = [];
    const clock = new ServerClock({
      deviceNow: () => this.clock,
      askServer: async () => (this.clockError === undefined ? undefined : this.clock - this.clockError),
    });
    const userStorage = createUserStorage(stateStorage);
    const authorizationServer = createAuthorizationServer({
      issuer: this.server.issuer,
      clientId: CLIENT_ID,
      scope: 'openid profile offline_access api1 account',
      resources: [API, this.server.issuer],
      redirectUri: REDIRECT_URI,
      postLogoutRedirectUri: 'http://web.test/',
      stateStorage,
      clock,
    });
    const session = new Session({
      authorizationServer,
      silentAuthorize: async (url) => (this.framesWork ? this.server.browser.follow(url) : undefined),
      tellOtherTabs: (message) => {
        said.push(message);
        for (const other of others) other.hear(message);
      },
      forgetOthers: (subject) => {
        userStorage.forgetOthers(subject);
        if (subject === undefined) authorizationServer.forgetRequests();
      },
      clock,
    });
    return { session, said, stateStorage, userStorage, clock };
  }

  async signIn(session: Session, returnTo = '/pay'): Promise<string> {
    const callback = await this.server.browser.follow(await session.signInUrl(returnTo));
    return session.completeSignIn(callback ?? '');
  }

  async signedIn() {
    const tab = this.open();
    await this.signIn(tab.session);
    return tab;
  }
}

export function useTestTabs(): TestTabs {
  const tabs = new TestTabs();
  beforeEach(async () => {
    tabs.server = await startAuthorizationServer();
    tabs.clock = Math.floor(Date.now() / 1000);
    tabs.clockError = undefined;
    tabs.framesWork = true;
  });
  afterEach(() => tabs.server.stop());
  return tabs;
}

/** Decoded, not verified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
}
