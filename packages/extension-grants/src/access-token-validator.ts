import { DEFAULT_ALGORITHMS, verifyAccessToken, type AccessToken } from '@behalf/auth';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { SubjectToken } from './contract.ts';

export interface AccessTokenValidatorOptions {
  readonly issuer: string;
  /** Finds the public key of a token, or gives the current public keys. */
  readonly key: JWTVerifyGetKey | { jwks(): JSONWebKeySet | Promise<JSONWebKeySet> };
  /** Whether a token still holds, by what the ledger knows of it and of everything it hangs from. */
  readonly statusOf: (
    jti: string,
    now: number,
  ) => Promise<{ readonly active: true } | { readonly active: false; readonly detail: string }>;
  /** Default: ES256 alone. */
  readonly algorithms?: readonly string[];
  /** Epoch seconds. */
  readonly now?: () => number;
}

export type ValidatedAccessToken =
  | {
      readonly ok: true;
      readonly token: SubjectToken;
      /** A client's own token (`sub` is its `client_id`): nobody stands behind it for whom one could act. */
      readonly isClientToken: boolean;
    }
  | {
      readonly ok: false;
      /** Safe on the wire. */
      readonly description: string;
      /** For log and ledger. */
      readonly detail: string;
      /** The token, when its signature was good and something else was not. */
      readonly subjectToken?: SubjectToken;
    };

export interface AccessTokenValidator {
  /**
   * Whether this is an access token of ours that still holds: `typ`, signature, `iss`, time, shape, and the user, login,
   * grant and clients behind it; then the scope, when one is expected.
   *
   * Not checked: who presents it, the audience, possession of a bound key. Throws when keys or ledger cannot be had.
   */
  validate(jwt: string, options?: { expectedScope?: string; now?: number }): Promise<ValidatedAccessToken>;
}

/** Validates this server's own access tokens inside this server. */
export function createAccessTokenValidator(options: AccessTokenValidatorOptions): AccessTokenValidator {
  const { issuer, statusOf, algorithms = DEFAULT_ALGORITHMS, now: clock = systemClock } = options;
  const key = typeof options.key === 'function' ? options.key : keysOf(options.key);

  return {
    async validate(jwt, { expectedScope, now = clock() } = {}) {
      const verified = await verifyAccessToken(jwt, { issuer, key, algorithms, now });
      if (!verified.ok) return { ok: false, description: verified.description, detail: verified.detail };

      const token = subjectTokenOf(verified.token);
      const status = await statusOf(token.jti, now);
      if (!status.active) {
        return {
          ok: false,
          description: 'the token is no longer good',
          detail: status.detail,
          subjectToken: token,
        };
      }
      if (expectedScope !== undefined && !token.scopes.includes(expectedScope)) {
        return {
          ok: false,
          description: 'the token lacks a scope',
          detail: 'missing_scope',
          subjectToken: token,
        };
      }
      return { ok: true, token, isClientToken: token.subject === token.clientId };
    },
  };
}

/** A verified access token of ours as the token that a request exchanges. */
export function subjectTokenOf(token: AccessToken): SubjectToken {
  const { issuedAt: _, ...shared } = token;
  return { kind: 'access_token', ...shared };
}

/** Keys are imported once for as long as the same key set is given. */
function keysOf(source: { jwks(): JSONWebKeySet | Promise<JSONWebKeySet> }): JWTVerifyGetKey {
  let current: JSONWebKeySet | undefined;
  let find: JWTVerifyGetKey | undefined;
  return async (header, token) => {
    const jwks = await source.jwks();
    if (find === undefined || jwks !== current) {
      current = jwks;
      find = createLocalJWKSet(jwks);
    }
    return find(header, token);
  };
}

function systemClock(): number {
  return Math.floor(Date.now() / 1000);
}
