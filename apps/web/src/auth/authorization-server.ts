import {
  ErrorResponse,
  OidcClient,
  WebStorageStateStore,
  type RefreshState,
  type SigninResponse,
  type StateStore,
} from 'oidc-client-ts';

/** What one sign-in or one refresh brought. Lives in memory only. */
export interface TokenSet {
  readonly subject: string;
  readonly name: string;
  readonly email: string | undefined;
  readonly idToken: string;
  readonly accessToken: string;
  /** The one audience of the access token. */
  readonly resource: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
  readonly refreshToken: string | undefined;
  /** Epoch seconds: when the refresh token ends, and with it the login session. Undefined: the server does not say. */
  readonly sessionEndsAt: number | undefined;
  /** Where to go on after a sign-in by redirect. */
  readonly returnTo: string | undefined;
}

/** `refused`: the server said no, and `error` is its code. `lost`: nobody knows whether it was carried out. */
export type TokenOutcome =
  | { readonly ok: true; readonly tokens: TokenSet }
  | { readonly ok: false; readonly fault: 'refused'; readonly error: string; readonly description: string }
  | { readonly ok: false; readonly fault: 'lost' };

export interface AuthorizationServerOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  /** Every resource that tokens may be asked for (RFC 8707 §2.1); the code is redeemed for the first. */
  readonly resources: readonly [string, ...string[]];
  readonly redirectUri: string;
  readonly postLogoutRedirectUri: string;
  /** Holds `state`, nonce and PKCE verifier from the request to its answer, and nothing else. */
  readonly stateStorage: Storage;
}

export interface SignInOptions {
  /** Ask for the password although the login session still lives, so that it begins anew (`prompt=login`). */
  readonly again?: boolean;
}

export interface AuthorizationServer {
  /** The URL that shows the sign-in page. `returnTo` comes back in the TokenSet. */
  signInUrl(returnTo: string, options?: SignInOptions): Promise<string>;
  /** The URL that answers from the login session without showing anything (`prompt=none`). */
  unseenUrl(): Promise<string>;
  /** Redeems the answer to either, once. */
  redeem(callbackUrl: string): Promise<TokenOutcome>;
  /** Spends the refresh token for an access token for `resource`. Send one only once, whatever the outcome. */
  refresh(tokens: TokenSet, resource: string): Promise<TokenOutcome>;
  signOutUrl(idToken: string): Promise<string>;
  /** Whether this page load is the return from a sign-out that this tab began. */
  isReturnFromSignOut(url: string): Promise<boolean>;
}

const REQUEST_TIMEOUT_SECONDS = 10;

/**
 * The only user of the OIDC library: authorization code with PKCE (RFC 7636), several resources in one login
 * (RFC 8707), refresh, and sign-out by the relying party. Beyond what the library checks (`state`, PKCE, nonce) it checks the answer's `iss` (RFC 9207 §2.4) and the ID
 * token's `iss`, `aud` and `exp` (OpenID Connect Core §3.1.3.7). The ID token's signature is not checked: it came from the token
 * endpoint itself (item 6 there). Methods that return a URL throw when the server's metadata cannot be had.
 */
export function createAuthorizationServer(options: AuthorizationServerOptions): AuthorizationServer {
  const [firstResource] = options.resources;
  const client = new OidcClient({
    authority: options.issuer,
    client_id: options.clientId,
    redirect_uri: options.redirectUri,
    post_logout_redirect_uri: options.postLogoutRedirectUri,
    scope: options.scope,
    resource: [...options.resources],
    extraTokenParams: { resource: firstResource },
    response_type: 'code',
    filterProtocolClaims: false,
    requestTimeoutInSeconds: REQUEST_TIMEOUT_SECONDS,
    stateStore: new WebStorageStateStore({
      store: options.stateStorage,
      prefix: 'behalf.oidc.',
    }) satisfies StateStore,
  });

  return {
    async signInUrl(returnTo, { again = false } = {}) {
      const request = await client.createSigninRequest({
        state: returnTo,
        nonce: crypto.randomUUID(),
        ...(again ? { prompt: 'login' } : {}),
      });
      return request.url;
    },

    async unseenUrl() {
      return (await client.createSigninRequest({ prompt: 'none', nonce: crypto.randomUUID() })).url;
    },

    async redeem(callbackUrl) {
      const parameters = new URL(callbackUrl).searchParams;
      if (parameters.get('iss') !== options.issuer) {
        return refused('invalid_issuer', 'The answer came from another authorization server.');
      }
      return outcomeOf(async () =>
        tokenSetOf(await client.processSigninResponse(callbackUrl), firstResource, options),
      );
    },

    async refresh(tokens, resource) {
      const { refreshToken } = tokens;
      if (refreshToken === undefined) return refused('invalid_grant', 'There is no refresh token.');
      const state: RefreshState = {
        refresh_token: refreshToken,
        id_token: tokens.idToken,
        session_state: null,
        profile: { sub: tokens.subject, iss: options.issuer, aud: options.clientId, exp: 0, iat: 0 },
      };
      return outcomeOf(async () => {
        const response = await client.useRefreshToken({
          state,
          resource,
          timeoutInSeconds: REQUEST_TIMEOUT_SECONDS,
        });
        return {
          ...tokens,
          ...accessTokenOf(response),
          resource,
          idToken: response.id_token ?? tokens.idToken,
        };
      });
    },

    async signOutUrl(idToken) {
      return (await client.createSignoutRequest({ id_token_hint: idToken, state: 'sign-out' })).url;
    },

    async isReturnFromSignOut(url) {
      if (!new URL(url).searchParams.has('state')) return false;
      try {
        return (await client.processSignoutResponse(url)).userState === 'sign-out';
      } catch {
        return false;
      }
    },
  };
}

function tokenSetOf(
  response: SigninResponse,
  resource: string,
  options: AuthorizationServerOptions,
): TokenSet {
  const { profile, id_token: idToken, userState } = response;
  if (idToken === undefined) throw unacceptable('The answer has no ID token.');
  if (profile.iss !== options.issuer) throw unacceptable('The ID token is from another issuer.');
  if (![profile.aud].flat().includes(options.clientId))
    throw unacceptable('The ID token is for another client.');
  if (profile.exp <= Date.now() / 1000 - CLOCK_TOLERANCE_SECONDS)
    throw unacceptable('The ID token has expired.');
  return {
    ...accessTokenOf(response),
    subject: profile.sub,
    name: profile.name ?? profile.preferred_username ?? profile.email ?? profile.sub,
    email: profile.email,
    idToken,
    resource,
    returnTo: typeof userState === 'string' ? userState : undefined,
  };
}

/** A clock that is wrong by less than this is not the user's fault; the token is fresh from the server anyway. */
const CLOCK_TOLERANCE_SECONDS = 300;

function accessTokenOf(
  response: SigninResponse,
): Pick<TokenSet, 'accessToken' | 'expiresAt' | 'refreshToken' | 'sessionEndsAt'> {
  if (!response.access_token) throw unacceptable('The answer has no access token.');
  if (response.token_type.toLowerCase() !== 'bearer')
    throw unacceptable('The access token is of another type.');
  return {
    accessToken: response.access_token,
    expiresAt: response.expires_at ?? 0,
    refreshToken: response.refresh_token,
    sessionEndsAt: sessionEndOf(response),
  };
}

/** From `refresh_token_expires_in` (draft-ietf-oauth-refresh-token-expiration), which the library hands on untyped. */
function sessionEndOf(response: SigninResponse & { readonly refresh_token_expires_in?: unknown }) {
  const seconds = response.refresh_token_expires_in;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) return undefined;
  return Math.floor(Date.now() / 1000) + seconds;
}

/** Errors of the protocol become values; what is left (no network, no time, no sense in the answer) is `lost`. */
async function outcomeOf(run: () => Promise<TokenSet>): Promise<TokenOutcome> {
  try {
    return { ok: true, tokens: await run() };
  } catch (error) {
    if (!(error instanceof ErrorResponse)) return { ok: false, fault: 'lost' };
    const code = error.error ?? 'unknown_error';
    if (code === 'temporarily_unavailable' || code === 'server_error') return { ok: false, fault: 'lost' };
    return refused(code, error.error_description ?? '');
  }
}

function refused(error: string, description: string): TokenOutcome {
  return { ok: false, fault: 'refused', error, description };
}

function unacceptable(description: string): ErrorResponse {
  return new ErrorResponse({ error: 'unacceptable_answer', error_description: description });
}
