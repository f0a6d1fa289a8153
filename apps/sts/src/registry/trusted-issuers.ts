/** The issuers besides ourselves whose JWTs the translation grant takes as subject tokens (RFC 8693 §3, `…:jwt`). */
import type { JSONWebKeySet, JWK } from 'jose';
import { ALICE, BOB } from './users.ts';

export interface TrustedIssuer {
  /** `iss`, exactly. */
  readonly issuer: string;
  readonly keys:
    | { readonly kind: 'static'; readonly jwks: JSONWebKeySet }
    | { readonly kind: 'remote'; readonly jwksUri: string };
  /** The only audience its tokens may have. */
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** Its `sub` → the `sub` of a user of ours. Whoever is not here is nobody here. */
  readonly subjects: Readonly<Record<string, string>>;
  /** How long ago a token may have been issued. */
  readonly maximumAgeSeconds: number;
  readonly requiredClaims: readonly string[];
}

export const PARTNER_ISSUER = 'https://partner.behalf.example';

/** The partner of the development registry; its key pair is made on this machine. */
export function developmentPartner(options: { audience: string; publicKey: JWK }): TrustedIssuer {
  return {
    issuer: PARTNER_ISSUER,
    keys: { kind: 'static', jwks: { keys: [options.publicKey] } },
    audience: options.audience,
    algorithms: ['ES256'],
    subjects: { 'alice@partner': ALICE, 'bob@partner': BOB },
    maximumAgeSeconds: 300,
    // azp names the client that may present the token; jti makes it good for one use.
    requiredClaims: ['iss', 'aud', 'sub', 'azp', 'iat', 'exp', 'jti'],
  };
}
