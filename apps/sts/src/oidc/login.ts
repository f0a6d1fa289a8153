import { issuanceOf } from '@behalf/extension-grants';
import type { Logger } from '@behalf/service';
import type { AccessToken, ClientCredentials, FindAccount, Grant, KoaContextWithOIDC } from 'oidc-provider';
import { sessionIdOf } from '../state/schema.ts';
import type { State } from '../state/state.ts';
import type { UserStore } from '../state/users.ts';
import { isFirstParty } from './clients.ts';
import type { RouteMiddleware } from './routes.ts';

/** Which claims each OpenID scope stands for (OpenID Connect Core §5.4). */
export const CLAIMS_BY_SCOPE = {
  openid: ['sub'],
  profile: ['name', 'preferred_username'],
  email: ['email', 'email_verified'],
};

/** Finds a user for oidc-provider. A disabled one is not found: no token is issued for them and no session goes on. */
export function createFindAccount(users: Pick<UserStore, 'findById'>): FindAccount {
  return async (_ctx, sub) => {
    const user = await users.findById(sub);
    if (user === undefined || user.disabled) return undefined;
    const claims = {
      sub: user.id,
      name: user.displayName ?? user.name,
      preferred_username: user.name,
      // Operators enter addresses; nothing here verifies that they are the user's.
      ...(user.email === null ? {} : { email: user.email, email_verified: false }),
    };
    return { accountId: user.id, claims: () => claims };
  };
}

type Token = AccessToken | ClientCredentials;

/**
 * The claims that a token takes from its login: `sid`, `auth_time` and `amr`, and the user's `may_act` (RFC 8693 §4.4). A
 * token that was derived from another one has them from its grant.
 */
export function createLoginClaims(users: Pick<UserStore, 'findById'>) {
  return async (
    ctx: KoaContextWithOIDC | undefined,
    token: Token,
  ): Promise<Record<string, unknown> | undefined> => {
    if (token.kind !== 'AccessToken' || issuanceOf(token)?.subjectToken !== undefined) return token.extra;
    const user = await users.findById(token.accountId);
    return {
      ...token.extra,
      ...(user?.mayAct == null ? {} : { may_act: user.mayAct }),
      ...(token.sessionUid === undefined ? {} : loginOf(ctx, token.sessionUid)),
    };
  };
}

function loginOf(ctx: KoaContextWithOIDC | undefined, sessionUid: string): Record<string, unknown> {
  const { AuthorizationCode: code, RefreshToken: refreshToken } = ctx?.oidc.entities ?? {};
  const { authTime, amr } = code ?? refreshToken ?? {};
  return {
    sid: sessionIdOf(sessionUid),
    ...(authTime === undefined ? {} : { auth_time: authTime }),
    ...(amr === undefined ? {} : { amr }),
  };
}

/**
 * The user's grant to the client in this login session. A first-party client is granted what it asks for, within its
 * registration, without a consent page; any other client's grant is what the user agreed to.
 */
export async function loadExistingGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { oidc } = ctx;
  const { client, account, session, provider } = oidc;
  if (client === undefined || account === undefined || session === undefined) return undefined;
  const grantId = oidc.result?.consent?.grantId ?? session.grantIdFor(client.clientId);
  const existing = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  if (!isFirstParty(client)) return existing;

  const grant = existing ?? new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
  const before = JSON.stringify([grant.openid, grant.resources]);
  grant.addOIDCScope([...oidc.requestParamOIDCScopes].join(' '));
  for (const [identifier, server] of Object.entries(oidc.resourceServers ?? {})) {
    const scopes = [...oidc.requestParamScopes].filter((scope) => server.scopes.has(scope));
    if (scopes.length > 0) grant.addResourceScope(identifier, scopes.join(' '));
  }
  if (JSON.stringify([grant.openid, grant.resources]) !== before) await grant.save();
  return grant;
}

/** Records the browser of each sign-in. Nothing depends on it, so a failure is logged and the sign-in goes on. */
export function recordSignInBrowser(state: State, logger: Logger): RouteMiddleware {
  return async (ctx, next) => {
    await next();
    // Undefined when oidc-provider has no route for the method.
    const oidc: KoaContextWithOIDC['oidc'] | undefined = ctx.oidc;
    const browser = browserName(ctx.get('user-agent'));
    if (oidc?.result?.login === undefined || oidc.session === undefined || browser === undefined) return;
    try {
      await state.recordBrowser(sessionIdOf(oidc.session.uid), browser);
    } catch (error) {
      logger.warn({ err: error }, 'the browser of a sign-in could not be recorded');
    }
  };
}

type Sign = readonly [sign: RegExp, name: string];

/** Browsers name others that they are compatible with, so the more specific ones come first. */
const BROWSERS: readonly Sign[] = [
  [/\bEdg(?:A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bVersion\/.*\bSafari\//, 'Safari'],
];

const SYSTEMS: readonly Sign[] = [
  [/\bAndroid\b/, 'Android'],
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMacintosh\b/, 'Mac'],
  [/\bLinux\b/, 'Linux'],
];

const LONGEST_USER_AGENT = 512;

/**
 * `Firefox on Linux`, from a `User-Agent` header (RFC 9110 §10.1.5); undefined when it names none that is known. It helps
 * people to tell their sessions apart and decides nothing, because the sender may say anything. Nothing else is kept of it.
 */
export function browserName(userAgent: string): string | undefined {
  const text = userAgent.slice(0, LONGEST_USER_AGENT);
  const named = (signs: readonly Sign[]) => signs.find(([sign]) => sign.test(text))?.[1];
  const [browser, system] = [named(BROWSERS), named(SYSTEMS)];
  if (browser === undefined) return system === undefined ? undefined : `a browser on ${system}`;
  return system === undefined ? browser : `${browser} on ${system}`;
}
