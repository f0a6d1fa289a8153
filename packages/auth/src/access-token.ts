import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { parseActorChain, type ActClaim } from './actor-chain.ts';

/** A verified RFC 9068 access token, in this code's own words. `claims` holds the payload as it was. */
export interface AccessToken {
  readonly issuer: string;
  /** The user, or for a client's own token the client. */
  readonly subject: string;
  readonly audience: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly jti: string;
  /** Epoch seconds. */
  readonly issuedAt: number;
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** The `act` claim as it stands in the token; absent when nobody acts for the subject. */
  readonly act: ActClaim | undefined;
  /** Everyone in `act`, the current actor first; empty without `act`. */
  readonly actorChain: readonly string[];
  /** `may_act` (RFC 8693 §4.4), not interpreted here. */
  readonly mayAct: unknown;
  /** `sid`: the login session the token hangs from; absent for a client's own token. */
  readonly sessionId: string | undefined;
  /** Epoch seconds of the original login. */
  readonly authTime: number | undefined;
  readonly authenticationMethods: readonly string[] | undefined;
  /** `cnf` (RFC 7800): the token is bound to a key and is no bearer token. */
  readonly confirmation: Readonly<Record<string, unknown>> | undefined;
  readonly claims: Readonly<JWTPayload>;
}

/** Why a token was not taken. For logs and the ledger; the wire says `invalid_token` or the grant's own error. */
export type AccessTokenDetail =
  | 'malformed'
  | 'wrong_type'
  | 'wrong_algorithm'
  | 'unknown_key'
  | 'bad_signature'
  | 'wrong_issuer'
  | 'wrong_audience'
  | 'expired'
  | 'not_yet_valid'
  | 'missing_claim'
  | 'malformed_claim'
  | 'malformed_actor';

export type VerifiedAccessToken =
  | { readonly ok: true; readonly token: AccessToken }
  | { readonly ok: false; readonly detail: AccessTokenDetail; readonly description: string };

export interface VerifyAccessTokenOptions {
  readonly issuer: string;
  /** The one audience to accept. Left out, any single audience passes: the caller then decides on `token.audience`. */
  readonly audience?: string;
  /** Finds the public key for a header's `kid`. An outage is thrown as it is; an unknown key is jose's JWKSNoMatchingKey. */
  readonly key: JWTVerifyGetKey;
  /** Default: ES256 alone (RFC 8725 §3.1). */
  readonly algorithms?: readonly string[];
  /** Epoch seconds. */
  readonly now: number;
  /** Default 5. */
  readonly toleranceSeconds?: number;
}

export const DEFAULT_ALGORITHMS: readonly string[] = ['ES256'];
export const DEFAULT_TOLERANCE_SECONDS = 5;

/** A compact JWS longer than this is not parsed. */
const MAXIMUM_TOKEN_LENGTH = 8 * 1024;

/**
 * Verifies one of the issuer's access tokens: signature, `typ: at+jwt`, algorithm, `iss`, `aud`, time, the claims that
 * RFC 9068 §2.2 requires, and the shape of `act`.
 *
 * Not checked: revocation (ask the issuer), scope, who the current actor is, and the proof of possession that a `cnf`
 * asks for. Throws only what `key` throws because of an outage.
 */
export async function verifyAccessToken(
  jwt: string,
  options: VerifyAccessTokenOptions,
): Promise<VerifiedAccessToken> {
  if (jwt.length > MAXIMUM_TOKEN_LENGTH) return refuse('malformed', 'the token is too large');
  let payload: JWTPayload;
  try {
    ({ payload } = await jwtVerify(jwt, options.key, {
      typ: 'at+jwt',
      issuer: options.issuer,
      ...(options.audience === undefined ? {} : { audience: options.audience }),
      algorithms: [...(options.algorithms ?? DEFAULT_ALGORITHMS)],
      currentDate: new Date(options.now * 1000),
      clockTolerance: options.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS,
      requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id'],
    }));
  } catch (error) {
    return refusalOf(error);
  }
  if (!isCanonical(jwt)) return refuse('bad_signature', 'the signature does not verify');
  return shape(payload, options);
}

/**
 * The last character of a signature has bits that no byte uses. With them changed it would verify all the same, and one
 * token could be written in several ways (RFC 4648 §3.5).
 */
function isCanonical(jwt: string): boolean {
  const signature = jwt.slice(jwt.lastIndexOf('.') + 1);
  return Buffer.from(signature, 'base64url').toString('base64url') === signature;
}

function shape(claims: JWTPayload, options: VerifyAccessTokenOptions): VerifiedAccessToken {
  const { iss, sub, aud, exp, iat, jti, act, sid, auth_time, amr, cnf } = claims;
  const { client_id: clientId, scope = '' } = claims;
  if (typeof aud !== 'string' || aud === '') return refuse('malformed_claim', 'aud is not one string');
  if (typeof sub !== 'string' || sub === '') return refuse('malformed_claim', 'sub is not a string');
  if (typeof jti !== 'string' || jti === '') return refuse('malformed_claim', 'jti is not a string');
  if (typeof clientId !== 'string' || clientId === '')
    return refuse('malformed_claim', 'client_id is not a string');
  if (typeof scope !== 'string') return refuse('malformed_claim', 'scope is not a string');
  if (typeof iss !== 'string' || typeof exp !== 'number' || typeof iat !== 'number') {
    return refuse('malformed_claim', 'iss, exp or iat has the wrong type');
  }
  if (iat > options.now + (options.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS)) {
    return refuse('not_yet_valid', 'the token was issued in the future');
  }
  if (sid !== undefined && typeof sid !== 'string') return refuse('malformed_claim', 'sid is not a string');
  if (auth_time !== undefined && typeof auth_time !== 'number')
    return refuse('malformed_claim', 'auth_time is not a number');
  if (amr !== undefined && !isStrings(amr)) return refuse('malformed_claim', 'amr is not a list of strings');
  if (cnf !== undefined && (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf))) {
    return refuse('malformed_claim', 'cnf is not an object');
  }
  const chain = parseActorChain(act);
  if (!chain.ok) return refuse('malformed_actor', chain.description);
  return {
    ok: true,
    token: {
      issuer: iss,
      subject: sub,
      audience: aud,
      clientId,
      scopes: scope.split(' ').filter((value) => value !== ''),
      jti,
      issuedAt: iat,
      expiresAt: exp,
      act: act as ActClaim | undefined,
      actorChain: chain.actors,
      mayAct: claims['may_act'],
      sessionId: sid,
      authTime: auth_time,
      authenticationMethods: amr,
      confirmation: cnf as Record<string, unknown> | undefined,
      claims,
    },
  };
}

function refusalOf(error: unknown): VerifiedAccessToken {
  if (error instanceof errors.JWTExpired) return refuse('expired', 'the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'typ') return refuse('wrong_type', 'the token is not an access token');
    if (error.reason === 'missing') return refuse('missing_claim', `the token has no ${error.claim}`);
    if (error.claim === 'iss') return refuse('wrong_issuer', 'the token is from another issuer');
    if (error.claim === 'aud') return refuse('wrong_audience', 'the token is meant for another audience');
    if (error.claim === 'nbf') return refuse('not_yet_valid', 'the token is not valid yet');
    return refuse('malformed_claim', `${error.claim} is not acceptable`);
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return refuse('wrong_algorithm', 'the algorithm is not accepted');
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return refuse('unknown_key', 'the signing key is unknown');
  }
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return refuse('bad_signature', 'the signature does not verify');
  if (
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JOSENotSupported
  ) {
    return refuse('malformed', 'the token is not a signed JWT');
  }
  throw error;
}

function refuse(kind: AccessTokenDetail, description: string): VerifiedAccessToken {
  return { ok: false, detail: kind, description };
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
