import type { ClientConfig } from '../config.ts';
import { createAuthorizationServer } from './authorization-server.ts';
import { createProofKey } from './proof-key.ts';
import { askOwnHost, ServerClock } from './server-clock.ts';
import { Session, type TabMessage } from './session.ts';
import { authorizeInHiddenFrame, CALLBACK_PATH } from './silent-authorize.ts';
import { createUserStorage, type UserStorage } from './user-storage.ts';

/** OpenID Connect scopes, one API's scope, and the user's own account at the authorization server. */
const SCOPE = 'openid profile email offline_access api1 account';

const TABS_CHANNEL = 'behalf.session';

export interface StartedSession {
  readonly session: Session;
  /** Where to go on once a sign-in by redirect is finished; undefined when this page load is none. */
  readonly arrival: Promise<string> | undefined;
  readonly userStorage: UserStorage;
}

/**
 * Connects the session with this browser tab and begins it: finishes a sign-in or a sign-out that this page load returns
 * from, else asks silently for the session that may still live. Tokens are in memory only and gone with a reload.
 */
export function startSession(config: ClientConfig, storage: Storage): StartedSession {
  const clock = new ServerClock({ deviceNow: () => Math.floor(Date.now() / 1000), askServer: askOwnHost });
  const userStorage = createUserStorage(storage);
  const proofKey = config.dpop ? createProofKey(clock.now) : undefined;
  const authorizationServer = createAuthorizationServer({
    issuer: config.issuer,
    clientId: config.clientId,
    scope: SCOPE,
    resources: [config.api1Resource, config.issuer],
    redirectUri: `${location.origin}${CALLBACK_PATH}`,
    postLogoutRedirectUri: `${location.origin}/`,
    stateStorage: storage,
    clock,
    proofKey,
  });
  const tabs = new BroadcastChannel(TABS_CHANNEL);
  const session = new Session({
    authorizationServer,
    silentAuthorize: authorizeInHiddenFrame,
    tellOtherTabs: (message) => tabs.postMessage(message),
    forgetOthers(subject) {
      userStorage.forgetOthers(subject);
      if (subject === undefined) authorizationServer.forgetRequests();
    },
    clock,
    proofKey,
  });
  tabs.addEventListener('message', (event: MessageEvent<TabMessage>) => session.hear(event.data));

  if (location.pathname === CALLBACK_PATH) {
    return { session, arrival: session.completeSignIn(location.href), userStorage };
  }
  const signOut = authorizationServer.returnFromSignOut(location.href);
  if (signOut !== undefined || new URLSearchParams(location.search).has('state')) removeStateFromAddress();
  void (signOut === undefined ? session.restore() : session.completeSignOut(signOut === 'confirmed'));
  return { session, arrival: undefined, userStorage };
}

/** It is the answer to a request, and means nothing in a bookmark or to another person. */
function removeStateFromAddress(): void {
  const url = new URL(location.href);
  url.searchParams.delete('state');
  history.replaceState(null, '', `${url.pathname}${url.search}${url.hash}`);
}
