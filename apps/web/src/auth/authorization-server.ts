import * as oauth from 'oauth4webapi';
import { checkIdToken, InvalidAnswer, nameOf, type IdTokenClaims } from './id-token.ts';
import { createPendingRequests, type PendingRequest } from './pending-requests.ts';
import type { ProofKey } from './proof-key.ts';
import type { ServerClock } from './server-clock.ts';
import { problemOf, SignInServiceError, type SignInProblem } from './sign-in-problem.ts';

/** The result of one sign-in or one refresh. Lives in memory only. */
export interface TokenSet {
  readonly subject: string;
  readonly name: string;
  readonly idToken: string;
  /** The claims of the ID token of the sign-in, which those of a refresh must match. */
  readonly claims: IdTokenClaims;
  readonly accessToken: string;
  /** The one audience of the access token. */
  readonly resource: string;
  /** Epoch seconds by the server's clock. Undefined: the server does not say. */
  readonly expiresAt: number | undefined;
  readonly refreshToken: string | undefined;
  /** Epoch seconds: when the refresh token ends, and with it the login session. Undefined: the server does not say. */
  readonly sessionEndsAt: number | undefined;
}

export type TokenOutcome =
  | { readonly ok: true; readonly tokens: TokenSet; /** Of a sign-in. */ readonly returnTo?: string }
  | { readonly ok: false; readonly problem: SignInProblem; readonly returnTo?: string };

export interface AuthorizationServerOptions {
  /** Exactly as it stands in `iss`. */
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  /** Every resource that tokens may be asked for (RFC 8707 §2.1); the code is redeemed for the first. */
  readonly resources: readonly [string, ...string[]];
  readonly redirectUri: string;
  readonly postLogoutRedirectUri: string;
  /** Holds `state`, nonce and PKCE verifier from the request to its answer, and nothing else. */
  readonly stateStorage: Storage;
  readonly clock: ServerClock;
  /** Binds every token to this key (RFC 9449). Default: bearer tokens. */
  readonly proofKey?: Promise<ProofKey> | undefined;
  /** For a whole answer, body included. Default 10 s. */
  readonly answerTimeoutMs?: number;
}

export interface SignInOptions {
  /** Ask for the password although the login session still lives, so that it begins anew (`prompt=login`). */
  readonly again?: boolean;
  /** Ask for the password unless the sign-in is at most so old (`max_age`). */
  readonly maxAgeSeconds?: number;
}

/** Methods that return a URL throw SignInServiceError when the server's metadata cannot be had. */
export interface AuthorizationServer {
  /** The URL that shows the sign-in page. `returnTo` comes back with the outcome. */
  signInUrl(returnTo: string, options?: SignInOptions): Promise<string>;
  /** The URL that answers from the login session without showing anything (`prompt=none`). */
  silentUrl(): Promise<string>;
  /** Redeems the answer to either, once. */
  redeem(callbackUrl: string): Promise<TokenOutcome>;
  /** Spends the refresh token for an access token for `resource`. Send one only once, whatever the outcome. */
  refresh(tokens: TokenSet, resource: string): Promise<TokenOutcome>;
  signOutUrl(idToken: string): Promise<string>;
  /** Drops every request that waits for its answer, with the path that it was to come back to. */
  forgetRequests(): void;
  /**
   * Whether this page load follows a sign-out that this tab began, once. `confirmed`: the server returned the `state` of
   * that sign-out. `unconfirmed`: it did not, so whether the login session is gone has to be asked.
   */
  returnFromSignOut(url: string): 'confirmed' | 'unconfirmed' | undefined;
}

/**
 * The only user of the OAuth library: authorization code with PKCE (RFC 7636), several resources in one login (RFC
 * 8707), refresh, and sign-out by the relying party. Checked are: the metadata's `issuer` (OpenID Connect Discovery
 * §4.3), the answer's `iss` (RFC 9207 §2.4), `state`, the nonce, the age of the sign-in where one was asked for, and every ID token, that of a refresh too (OpenID
 * Connect Core §3.1.3.7 and §12.2). Not checked: the ID token's signature, because it came from the token endpoint
 * itself (§3.1.3.7 item 6).
 */
export function createAuthorizationServer(options: AuthorizationServerOptions): AuthorizationServer {
  const { issuer, clientId, clock, answerTimeoutMs = 10_000 } = options;
  const [firstResource] = options.resources;
  const requests = createPendingRequests(options.stateStorage, clock.now);
  const insecure = new URL(issuer).protocol === 'http:';
  const tokenType = options.proofKey === undefined ? 'bearer' : 'dpop';
  let known: Promise<oauth.AuthorizationServer> | undefined;

  // An issuer without TLS is one of development; the STS itself refuses to be one in production.
  // oxlint-disable-next-line typescript/no-deprecated -- marked so by the library to make it stand out
  const http = (signal: AbortSignal) => ({ signal, [oauth.allowInsecureRequests]: insecure });
  const dpop = async () => {
    const key = await options.proofKey;
    return key && { DPoP: oauth.DPoP(client(), key.pair) };
  };
  const client = (): oauth.Client => ({
    client_id: clientId,
    // The library reads the device's clock by itself.
    [oauth.clockSkew]: clock.now() - Math.floor(Date.now() / 1000),
    [oauth.clockTolerance]: CLOCK_TOLERANCE_SECONDS,
  });

  /** The server's metadata, asked for once; after a failure, once more by whoever needs it next. */
  function metadata(): Promise<oauth.AuthorizationServer> {
    known ??= discover().catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  }

  async function discover(): Promise<oauth.AuthorizationServer> {
    const signal = AbortSignal.timeout(answerTimeoutMs);
    const identifier = new URL(issuer);
    const server = await attempt(signal, async () =>
      oauth.processDiscoveryResponse(identifier, await oauth.discoveryRequest(identifier, http(signal))),
    );
    // The library compares as URLs, where `https://a` and `https://a/` are one; the identifier is text (§4.3).
    if (server.issuer !== issuer) {
      throw new SignInServiceError({
        kind: 'invalid_answer',
        detail: `the metadata names another issuer: ${server.issuer}`,
      });
    }
    return server;
  }

  async function authorizationUrl(
    returnTo: string,
    parameters: Readonly<Record<string, string>>,
    maxAgeSeconds?: number,
  ) {
    const { authorization_endpoint: endpoint } = await metadata();
    const request: PendingRequest = {
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      codeVerifier: oauth.generateRandomCodeVerifier(),
      returnTo,
      maxAgeSeconds,
    };
    const url = urlOf(endpoint, 'authorization_endpoint');
    const query = {
      client_id: clientId,
      redirect_uri: options.redirectUri,
      response_type: 'code',
      scope: options.scope,
      state: request.state,
      nonce: request.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(request.codeVerifier),
      code_challenge_method: 'S256',
      ...(maxAgeSeconds === undefined ? {} : { max_age: String(maxAgeSeconds) }),
      ...parameters,
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    for (const resource of options.resources) url.searchParams.append('resource', resource);
    requests.add(request);
    return url.href;
  }

  /** Sends a token request and reads its whole answer; both within one time limit. */
  async function tokens(
    run: (server: oauth.AuthorizationServer, signal: AbortSignal) => Promise<TokenSet>,
  ): Promise<TokenOutcome> {
    const signal = AbortSignal.timeout(answerTimeoutMs);
    try {
      return { ok: true, tokens: await attempt(signal, async () => run(await metadata(), signal)) };
    } catch (error) {
      if (error instanceof SignInServiceError) return { ok: false, problem: error.problem };
      throw error;
    }
  }

  return {
    signInUrl: (returnTo, { again = false, maxAgeSeconds } = {}) =>
      authorizationUrl(returnTo, again ? { prompt: 'login' } : {}, maxAgeSeconds),

    silentUrl: () => authorizationUrl('', { prompt: 'none' }),

    async redeem(callbackUrl) {
      const parameters = new URL(callbackUrl).searchParams;
      const request = requests.take(parameters.get('state'));
      if (!request) return { ok: false, problem: { kind: 'nothing_to_finish' } };
      const outcome = await tokens(async (server, signal) => {
        const answer = oauth.validateAuthResponse(server, client(), parameters, request.state);
        const [response] = await Promise.all([
          oauth.authorizationCodeGrantRequest(
            server,
            client(),
            oauth.None(),
            answer,
            options.redirectUri,
            request.codeVerifier,
            { ...http(signal), ...(await dpop()), additionalParameters: { resource: firstResource } },
          ),
          clock.adjust(),
        ]);
        const body = await oauth.processAuthorizationCodeResponse(server, client(), response, {
          expectedNonce: request.nonce,
          requireIdToken: true,
          ...(request.maxAgeSeconds === undefined ? {} : { maxAge: request.maxAgeSeconds }),
        });
        const claims = checkedClaims(body);
        if (!claims || body.id_token === undefined) throw new InvalidAnswer('there is no ID token');
        return {
          ...accessTokenOf(body, clock.now(), tokenType),
          subject: claims.sub,
          name: nameOf(claims),
          idToken: body.id_token,
          claims,
          resource: firstResource,
        };
      });
      return request.returnTo === '' ? outcome : { ...outcome, returnTo: request.returnTo };
    },

    async refresh(held, resource) {
      const { refreshToken } = held;
      if (refreshToken === undefined) {
        return { ok: false, problem: { kind: 'refused', code: 'invalid_grant', detail: 'no refresh token' } };
      }
      return tokens(async (server, signal) => {
        const [response] = await Promise.all([
          oauth.refreshTokenGrantRequest(server, client(), oauth.None(), refreshToken, {
            ...http(signal),
            ...(await dpop()),
            additionalParameters: { resource },
          }),
          clock.adjust(),
        ]);
        const body = await oauth.processRefreshTokenResponse(server, client(), response);
        checkedClaims(body, held.claims);
        return {
          ...held,
          ...accessTokenOf(body, clock.now(), tokenType),
          resource,
          idToken: body.id_token ?? held.idToken,
        };
      });
    },

    async signOutUrl(idToken) {
      const url = urlOf((await metadata()).end_session_endpoint, 'end_session_endpoint');
      const state = oauth.generateRandomState();
      url.searchParams.set('id_token_hint', idToken);
      url.searchParams.set('client_id', clientId);
      url.searchParams.set('post_logout_redirect_uri', options.postLogoutRedirectUri);
      url.searchParams.set('state', state);
      requests.addSignOut(state);
      return url.href;
    },

    forgetRequests: requests.clear,

    returnFromSignOut(url) {
      const state = requests.takeSignOut();
      if (state === undefined) return undefined;
      return new URL(url).searchParams.get('state') === state ? 'confirmed' : 'unconfirmed';
    },
  };

  function checkedClaims(
    body: oauth.TokenEndpointResponse,
    first?: IdTokenClaims,
  ): IdTokenClaims | undefined {
    const claims = oauth.getValidatedIdTokenClaims(body);
    if (claims) {
      checkIdToken(claims, { clientId, now: clock.now(), toleranceSeconds: CLOCK_TOLERANCE_SECONDS, first });
    }
    return claims;
  }
}

/** Between two servers' clocks, and for the time on the way. */
const CLOCK_TOLERANCE_SECONDS = 60;

function accessTokenOf(body: oauth.TokenEndpointResponse, now: number, tokenType: 'bearer' | 'dpop') {
  if (body.token_type !== tokenType) throw new InvalidAnswer('the access token is of another type');
  // From draft-ietf-oauth-refresh-token-expiration, which the library hands on untyped.
  const left = body['refresh_token_expires_in'];
  return {
    accessToken: body.access_token,
    expiresAt: body.expires_in === undefined ? undefined : now + body.expires_in,
    refreshToken: body.refresh_token,
    sessionEndsAt: typeof left === 'number' && Number.isFinite(left) ? now + left : undefined,
  };
}

function urlOf(endpoint: string | undefined, name: string): URL {
  if (endpoint !== undefined && URL.canParse(endpoint)) return new URL(endpoint);
  throw new SignInServiceError({ kind: 'invalid_answer', detail: `the metadata has no ${name}` });
}

/** Runs it and throws SignInServiceError for whatever it throws. */
async function attempt<Result>(signal: AbortSignal, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof SignInServiceError ? error : new SignInServiceError(problemOf(error, signal));
  }
}
