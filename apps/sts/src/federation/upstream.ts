import { isLoopbackUrl } from '@behalf/auth';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretPost,
  type Configuration,
  discovery,
  enableNonRepudiationChecks,
  randomNonce,
  randomPKCECodeVerifier,
} from 'openid-client';
import { lifetimes } from '../lifetimes.ts';

// oxlint-disable-next-line typescript/no-deprecated -- marked so only to stand out
const allowHttp: (configuration: Configuration) => void = allowInsecureRequests;

export interface UpstreamSettings {
  /** `UPSTREAM_ISSUER`: another OpenID provider, by its identifier. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** As people call it. */
  readonly name: string;
  /** Whether a person who is not known yet becomes a user. */
  readonly createsUsers: boolean;
}

/** What a sign-in there must be, by the request that it is for. */
export interface SignInDemand {
  /** The greatest age of the sign-in, in seconds. */
  readonly maxAge?: number | undefined;
  /** The person must sign in there anew. */
  readonly isFresh: boolean;
}

/** Kept between the redirect to the upstream and its answer. */
export interface PendingSignIn extends SignInDemand {
  readonly uid: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** Epoch seconds. */
  readonly begunAt: number;
}

/** A person as the upstream's ID token says. Only issuer and `subject` together name one. */
export interface UpstreamIdentity {
  readonly subject: string;
  readonly sid: string | undefined;
  /** Epoch seconds. */
  readonly authTime: number;
  readonly amr: readonly string[] | undefined;
  readonly email: string | undefined;
  readonly displayName: string | undefined;
}

export type Upstream = ReturnType<typeof createUpstream>;

/**
 * Another OpenID provider, as the relying party that this server is there: authorization code with PKCE, nonce and `iss`
 * (RFC 9207). `now` is in epoch seconds.
 */
export function createUpstream(settings: UpstreamSettings, callback: string, now: () => number) {
  const { issuer, clientId, clientSecret } = settings;
  let discovered: Promise<Configuration> | undefined;

  /** The upstream's metadata, read when it is first needed, and again after a failure. */
  function configuration(): Promise<Configuration> {
    discovered ??= discovery(new URL(issuer), clientId, undefined, ClientSecretPost(clientSecret), {
      execute: [enableNonRepudiationChecks, ...(isLoopbackUrl(issuer) ? [allowHttp] : [])],
      timeout: 5,
    }).catch((error: unknown) => {
      discovered = undefined;
      throw error;
    });
    return discovered;
  }

  return {
    settings,

    /** Where the browser goes, and what to keep until it comes back with `state`. */
    async begin(
      uid: string,
      state: string,
      demand: SignInDemand,
    ): Promise<{ readonly url: string; readonly pending: PendingSignIn }> {
      const codeVerifier = randomPKCECodeVerifier();
      const nonce = randomNonce();
      // Our session counts from the sign-in there, so that must not be too old.
      const maxAge = Math.min(demand.maxAge ?? Infinity, lifetimes.upstreamSignInSeconds);
      const url = buildAuthorizationUrl(await configuration(), {
        redirect_uri: callback,
        scope: 'openid profile email',
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        max_age: String(maxAge),
        ...(demand.isFresh ? { prompt: 'login' } : {}),
      });
      const pending = { uid, nonce, codeVerifier, begunAt: now(), maxAge, isFresh: demand.isFresh };
      return { url: url.href, pending };
    },

    /** Redeems the answer in `query`. Throws when it is none, or not what was demanded. */
    async complete(query: string, state: string, pending: PendingSignIn): Promise<UpstreamIdentity> {
      const answer = new URL(callback);
      answer.search = query;
      const tokens = await authorizationCodeGrant(await configuration(), answer, {
        expectedState: state,
        expectedNonce: pending.nonce,
        pkceCodeVerifier: pending.codeVerifier,
        idTokenExpected: true,
        ...(pending.maxAge === undefined ? {} : { maxAge: pending.maxAge }),
      });
      const claims = tokens.claims();
      if (claims?.auth_time === undefined)
        throw new Error('the upstream does not say when the person signed in');
      if (pending.isFresh && claims.auth_time < pending.begunAt - lifetimes.issuedAheadSeconds) {
        throw new Error('the upstream did not ask the person to sign in anew');
      }
      const amr: unknown = claims['amr'];
      return {
        subject: claims.sub,
        sid: textOf(claims['sid']),
        authTime: Math.min(claims.auth_time, now()),
        amr: Array.isArray(amr) ? amr.filter((method) => typeof method === 'string') : undefined,
        email: textOf(claims['email']),
        displayName: textOf(claims['name']),
      };
    },
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
