import { hash } from 'node:crypto';
import {
  type AccessToken,
  DEFAULT_ALGORITHMS,
  type VerifiedAccessToken,
  verifyAccessToken,
} from '@behalf/auth';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import type { SubjectToken } from './contract.ts';

export interface AccessTokenValidatorOptions {
  readonly issuer: string;
  /** The current public keys, as a new object whenever they change. */
  readonly jwks: () => JSONWebKeySet;
  /** Whether a token is active, by what the ledger knows of it, of its ancestors, and of its user. */
  readonly statusOf: (
    jti: string,
    now: number,
  ) => Promise<{ readonly active: true } | { readonly active: false; readonly detail: string }>;
  /** Default: ES256 alone. */
  readonly algorithms?: readonly string[];
  /** Epoch seconds. */
  readonly now?: () => number;
}

export type ValidatedToken =
  | { readonly ok: true; readonly token: SubjectToken }
  | {
      readonly ok: false;
      /** Safe on the wire. */
      readonly description: string;
      /** For log and ledger. */
      readonly detail: string;
      /** The token, when its signature was good and something else was not. */
      readonly subjectToken?: SubjectToken | undefined;
    };

/** A clock that went back by more than this makes every remembered expiry doubtful. */
const CLOCK_STEP_SECONDS = 5;

/** How many verified tokens are remembered; each takes about two kilobytes. */
const MAXIMUM_REMEMBERED = 5000;

/** Validates this server's own access tokens inside this server. */
export function createAccessTokenValidator(options: AccessTokenValidatorOptions) {
  const { issuer, statusOf, algorithms = DEFAULT_ALGORITHMS, now: clock = systemClock } = options;
  const remembered = new LRUCache<string, VerifiedAccessToken & { ok: true }>({ max: MAXIMUM_REMEMBERED });
  let jwks: JSONWebKeySet | undefined;
  let key: JWTVerifyGetKey | undefined;
  let latest = 0;

  /**
   * Whether this is an access token of ours: `typ`, signature, `iss`, time and shape. A token is remembered by its digest
   * until it expires, the keys change, or the clock runs backwards.
   *
   * Not checked: its status, who presents it, the audience, possession of a bound key.
   */
  async function verify(jwt: string, now = clock()): Promise<VerifiedAccessToken> {
    const current = options.jwks();
    if (key === undefined || current !== jwks || now < latest - CLOCK_STEP_SECONDS) {
      remembered.clear();
      jwks = current;
      key = createLocalJWKSet(current);
    }
    latest = now;
    const digest = hash('sha256', jwt, 'base64url');
    const known = remembered.get(digest);
    if (known !== undefined && known.token.expiresAt > now) return known;
    const verified = await verifyAccessToken(jwt, { issuer, key, algorithms, now });
    if (verified.ok && jwks === current) remembered.set(digest, verified);
    return verified;
  }

  return {
    verify,

    /** `verify` as a subject token. */
    async read(jwt: string, now = clock()): Promise<ValidatedToken> {
      const verified = await verify(jwt, now);
      return verified.ok ? { ok: true, token: subjectTokenOf(verified.token) } : verified;
    },

    /**
     * Whether this is an access token of ours that is active, with its user, login, grant and clients; then the scope,
     * when one is expected. Throws when the ledger cannot be had.
     *
     * Not checked: who presents it, the audience, possession of a bound key.
     */
    async validate(
      jwt: string,
      { expectedScope, now = clock() }: { expectedScope?: string; now?: number } = {},
    ): Promise<ValidatedToken> {
      const verified = await verify(jwt, now);
      if (!verified.ok) return verified;
      const token = subjectTokenOf(verified.token);
      const status = await statusOf(token.jti, now);
      if (!status.active) return refused('the token is no longer active', status.detail, token);
      if (expectedScope !== undefined && !token.scopes.includes(expectedScope)) {
        return refused('the token lacks a scope', 'missing_scope', token);
      }
      return { ok: true, token };
    },
  };
}

export type AccessTokenValidator = ReturnType<typeof createAccessTokenValidator>;

/** A client's own token: its subject is the client, so there is no user to act for. */
export function isClientToken(token: SubjectToken): boolean {
  return token.subject === token.clientId;
}

/** A verified access token of ours as the token that a request exchanges. */
export function subjectTokenOf(token: AccessToken): SubjectToken {
  const { issuedAt: _, ...shared } = token;
  return { kind: 'access_token', ...shared };
}

function refused(description: string, detail: string, subjectToken: SubjectToken): ValidatedToken {
  return { ok: false, description, detail, subjectToken };
}

function systemClock(): number {
  return Math.floor(Date.now() / 1000);
}
