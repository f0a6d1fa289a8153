import { issuanceOf } from '@behalf/extension-grants';
import type { Logger } from '@behalf/service';
import type {
  AccessToken,
  Account,
  ClientCredentials,
  Configuration,
  FindAccount,
  Grant,
  KoaContextWithOIDC,
} from 'oidc-provider';
import { sessionIdOf } from '../state/schema.ts';
import type { User, UserStore } from '../state/users.ts';
import { isFirstParty } from './clients.ts';

/** A user as oidc-provider sees one; `user` is for our own hooks. */
export interface UserAccount extends Account {
  readonly user: User;
}

/** Finds a user for oidc-provider. A disabled one is not found: no token is issued for them and no session goes on. */
export function createFindAccount(users: Pick<UserStore, 'findById'>): FindAccount {
  return async (_ctx, sub) => {
    const user = await users.findById(sub);
    return user === undefined || user.disabled ? undefined : accountOf(user);
  };
}

function accountOf(user: User): UserAccount {
  return {
    accountId: user.id,
    user,
    // oidc-provider picks from these what the granted scopes cover (OpenID Connect Core §5.4).
    claims: () => ({
      sub: user.id,
      name: user.displayName ?? user.name,
      preferred_username: user.name,
      ...(user.email === null ? {} : { email: user.email }),
    }),
  };
}

/** Which claims each OpenID scope stands for. */
export const CLAIMS_BY_SCOPE = {
  openid: ['sub'],
  profile: ['name', 'preferred_username'],
  email: ['email'],
};

type Token = AccessToken | ClientCredentials;

/**
 * The claims that a token takes from the login behind it: `sid`, `auth_time` and `amr` of the original login, and the
 * user's `may_act` (RFC 8693 §4.4). A token that was derived from another one keeps what its grant gave it: the same
 * claims, carried along.
 */
export function createLoginClaims(users: Pick<UserStore, 'findById'>) {
  return async (
    ctx: KoaContextWithOIDC | undefined,
    token: Token,
  ): Promise<Record<string, unknown> | undefined> => {
    const given: Record<string, unknown> = token.extra ?? {};
    if (!isForUser(token) || issuanceOf(token)?.subjectToken !== undefined) return token.extra;
    const user = await users.findById(token.accountId);
    return {
      ...given,
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

function isForUser(token: Token): token is AccessToken {
  return token.kind === 'AccessToken';
}

/**
 * The user's grant to the client in this login session. A first-party client is granted what it asks for (it never asks
 * for more than it is registered for), so no consent page is due; anyone else's grant is what the user agreed to.
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

export interface RecordBrowserPorts {
  readonly recordBrowser: (session: string, browser: string) => Promise<void>;
  readonly logger: Logger;
}

/** Notes at each sign-in which browser it was. Nothing depends on it, so a failure is logged and the sign-in goes on. */
export function recordSignInBrowser({ recordBrowser, logger }: RecordBrowserPorts) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next();
    // No route of oidc-provider's matched: there is no OpenID context.
    const oidc: KoaContextWithOIDC['oidc'] | undefined = ctx.oidc;
    if (oidc?.route !== 'resume' || oidc.result?.login === undefined || oidc.session === undefined) return;
    const browser = browserName(ctx.get('user-agent'));
    if (browser === undefined) return;
    try {
      await recordBrowser(sessionIdOf(oidc.session.uid), browser);
    } catch (error) {
      logger.warn({ err: error }, 'the browser of a sign-in could not be noted');
    }
  };
}

type Sign = readonly [sign: RegExp, name: string];

/** Browsers name those that they want to be taken for, so the more particular ones come first. */
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
 * `Firefox on Linux`, from a `User-Agent` header (RFC 9110 §10.1.5); undefined when it names none that is known. It helps people
 * to know their sessions apart, and is nothing to rely on: whoever sends it may say anything. Of what came, nothing else is kept.
 */
export function browserName(userAgent: string): string | undefined {
  const text = userAgent.slice(0, LONGEST_USER_AGENT);
  const named = (signs: readonly Sign[]) => signs.find(([sign]) => sign.test(text))?.[1];
  const [browser, system] = [named(BROWSERS), named(SYSTEMS)];
  if (browser === undefined) return system === undefined ? undefined : `a browser on ${system}`;
  return system === undefined ? browser : `${browser} on ${system}`;
}

/**
 * Cookies of sessions and sign-ins. Over https browsers hold the session to this very host (`__Host-`) and the others to
 * https (`__Secure-`; they have paths of their own), so that no sibling host and no network can plant one (RFC 6265bis §4.1.3).
 */
export function cookieSettings(
  issuer: string,
  keys: readonly string[],
): NonNullable<Configuration['cookies']> {
  const secure = issuer.startsWith('https:');
  const [hostPrefix, securePrefix] = secure ? ['__Host-', '__Secure-'] : ['', ''];
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const;
  return {
    names: {
      session: `${hostPrefix}behalf.session`,
      interaction: `${securePrefix}behalf.interaction`,
      resume: `${securePrefix}behalf.resume`,
    },
    long: cookie,
    short: cookie,
    keys: [...keys],
  };
}
