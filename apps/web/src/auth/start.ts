import type { ClientConfig } from '../config.ts';
import { createAuthorizationServer } from './authorization-server.ts';
import { Session, type TabMessage } from './session.ts';
import { askInHiddenFrame, CALLBACK_PATH } from './unseen.ts';

/** OpenID Connect scopes, one API's scope, and the user's own account at the authorization server. */
const SCOPE = 'openid profile email offline_access api1 account';

const TABS_CHANNEL = 'behalf.session';

export interface StartedSession {
  readonly session: Session;
  /** Where to go on once a sign-in by redirect is finished; undefined when this page load is none. */
  readonly arrival: Promise<string> | undefined;
}

/**
 * Connects the session with this browser tab and begins it: finishes a sign-in or a sign-out that this page load returns
 * from, else asks unseen for the session that may still live. Tokens are in memory only and gone with a reload.
 */
export function startSession(config: ClientConfig): StartedSession {
  const authorizationServer = createAuthorizationServer({
    issuer: config.issuer,
    clientId: config.clientId,
    scope: SCOPE,
    resources: [config.api1Resource, config.issuer],
    redirectUri: `${location.origin}${CALLBACK_PATH}`,
    postLogoutRedirectUri: `${location.origin}/`,
    stateStorage: sessionStorage,
  });
  const tabs = new BroadcastChannel(TABS_CHANNEL);
  const session = new Session({
    authorizationServer,
    askUnseen: askInHiddenFrame,
    tellOtherTabs: (message) => tabs.postMessage(message),
    now: () => Math.floor(Date.now() / 1000),
  });
  tabs.addEventListener('message', (event: MessageEvent<TabMessage>) => session.hear(event.data));

  if (location.pathname === CALLBACK_PATH) {
    return { session, arrival: session.completeSignIn(location.href) };
  }
  void beginAtThisPage(session, authorizationServer.isReturnFromSignOut(location.href));
  return { session, arrival: undefined };
}

async function beginAtThisPage(session: Session, returnFromSignOut: Promise<boolean>): Promise<void> {
  if (!(await returnFromSignOut)) return session.restore();
  history.replaceState(null, '', '/');
  session.completeSignOut();
}
