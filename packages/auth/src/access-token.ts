import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { parseActorChain, type ActClaim } from './actor-chain.ts';
import { assertOptions, CLOCK_TOLERANCE_SECONDS, isObject } from './options.ts';
import {
  type AccessTokenProfile,
  MAXIMUM_TOKEN_LENGTH,
  type ResolvedProfile,
  resolveProfile,
  typeName,
} from './profile.ts';
import { refuse, type Refusal } from './refusal.ts';

/** A verified RFC 9068 access token. `claims` is the payload as it was. */
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
  /** The `act` claim as it stands in the token; absent when no actor acts for the subject. */
  readonly act: ActClaim | undefined;
  /** All actors of `act`, the current actor first; empty without `act`. */
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

/** Why a token was refused. For logs and the ledger; the wire says `invalid_token` or the grant's own error. */
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
  { readonly ok: true; readonly token: AccessToken } | Refusal<AccessTokenDetail>;

export interface VerifyAccessTokenOptions {
  readonly issuer: string;
  /** The one audience to accept. Left out, any single audience passes: the caller then decides on `token.audience`. */
  readonly audience?: string;
  /** Finds the public key for a header's `kid`. An outage is thrown as it is; an unknown key is jose's JWKSNoMatchingKey. */
  readonly key: JWTVerifyGetKey;
  /** Default: ES256 alone (RFC 8725 §3.1). */
  readonly algorithms?: readonly string[];
  /** Default: RFC 9068. */
  readonly profile?: AccessTokenProfile | undefined;
  /** Epoch seconds. */
  readonly now: number;
}

export const DEFAULT_ALGORITHMS: readonly string[] = ['ES256'];

const REQUIRED_CLAIMS = ['iss', 'sub', 'aud', 'exp', 'iat'];

/**
 * Verifies one of the issuer's access tokens: everything in verifyJwt, the claims that RFC 9068 §2.2 requires, and the
 * shape of `act`.
 *
 * Not checked: revocation (ask the issuer), scope, who the current actor is, and the proof of possession that a `cnf`
 * asks for. Throws TypeError for an option that is given and empty, and what `key` throws because of an outage.
 */
export async function verifyAccessToken(
  jwt: string,
  options: VerifyAccessTokenOptions,
): Promise<VerifiedAccessToken> {
  const audience = Object.hasOwn(options, 'audience') ? { audience: options.audience } : {};
  assertOptions('name', { issuer: options.issuer, ...audience });
  const profile = resolveProfile(options.profile);
  const requiredClaims = [
    ...REQUIRED_CLAIMS,
    ...(profile.needsJti ? ['jti'] : []),
    ...(profile.needsClient ? [profile.clientClaim] : []),
  ];
  const { types, maximumTokenLength } = profile;
  const verified = await verifyJwt(jwt, { ...options, types, maximumTokenLength, requiredClaims });
  return verified.ok ? parseClaims(verified.claims, options.audience, profile) : verified;
}

/**
 * Verifies a JWT: size, signature, `typ`, algorithm, `iss`, `aud` unless it is left out, time (clocks may differ by 5 s)
 * and that the claims are there. Throws what `key` throws because of an outage.
 */
export async function verifyJwt(
  jwt: string,
  options: VerifyAccessTokenOptions & {
    /** Accepted `typ` headers in lower case; `none` stands for a token without one. */
    readonly types: readonly string[];
    readonly requiredClaims: string[];
    /** A longer one is not parsed. */
    readonly maximumTokenLength?: number;
  },
): Promise<{ readonly ok: true; readonly claims: JWTPayload } | Refusal<AccessTokenDetail>> {
  const { issuer, audience, key, algorithms = DEFAULT_ALGORITHMS, now, types, requiredClaims } = options;
  const { maximumTokenLength = MAXIMUM_TOKEN_LENGTH } = options;
  const [typ, ...others] = types;
  assertOptions('names', { algorithms });
  assertOptions('number', { now });
  if (jwt.length > maximumTokenLength) return refuse('malformed', 'the token is too large');
  try {
    const { payload, protectedHeader } = await jwtVerify(jwt, key, {
      ...(typ === undefined || typ === 'none' || others.length > 0 ? {} : { typ }),
      issuer,
      ...(audience === undefined ? {} : { audience }),
      algorithms: [...algorithms],
      currentDate: new Date(now * 1000),
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims,
    });
    if (!types.includes(typeName(protectedHeader.typ)))
      return refuse('wrong_type', 'the token is not an access token');
    if (!isCanonical(jwt)) return refuse('bad_signature', 'the signature does not verify');
    const { iat } = payload;
    if (typeof iat === 'number' && iat > now + CLOCK_TOLERANCE_SECONDS)
      return refuse('not_yet_valid', 'the token was issued in the future');
    return { ok: true, claims: payload };
  } catch (error) {
    return refusalOf(error);
  }
}

/**
 * The last character of a signature has bits that no byte uses. With them changed it would verify all the same, and one
 * token could be written in several ways (RFC 4648 §3.5).
 */
function isCanonical(jwt: string): boolean {
  const signature = jwt.slice(jwt.lastIndexOf('.') + 1);
  return Buffer.from(signature, 'base64url').toString('base64url') === signature;
}

function parseClaims(
  claims: JWTPayload,
  audience: string | undefined,
  profile: ResolvedProfile,
): VerifiedAccessToken {
  const { iss, sub, exp, iat, act, sid, auth_time, amr, cnf } = claims;
  const { jti = profile.needsJti ? undefined : '' } = claims;
  const clientId = claims[profile.clientClaim] ?? (profile.needsClient ? undefined : '');
  // jose has found the audience in the list.
  const aud = profile.allowOtherAudiences && Array.isArray(claims.aud) ? audience : claims.aud;
  const scopes = scopesOf(claims[profile.scopeClaim] ?? '', profile);
  const bad = (description: string) => refuse('malformed_claim', description);
  if (typeof aud !== 'string' || aud === '') return bad('aud is not one string');
  if (typeof sub !== 'string' || sub === '') return bad('sub is not a string');
  if (typeof jti !== 'string' || (jti === '' && profile.needsJti)) return bad('jti is not a string');
  if (typeof clientId !== 'string' || (clientId === '' && profile.needsClient))
    return bad(`${profile.clientClaim} is not a string`);
  if (scopes === undefined) return bad(`${profile.scopeClaim} is not a string`);
  for (const [name, value] of profile.requiredClaims)
    if (claims[name] !== value) return bad(`${name} is not acceptable`);
  if (typeof iss !== 'string' || typeof exp !== 'number' || typeof iat !== 'number')
    return bad('iss, exp or iat has the wrong type');
  if (sid !== undefined && typeof sid !== 'string') return bad('sid is not a string');
  if (auth_time !== undefined && typeof auth_time !== 'number') return bad('auth_time is not a number');
  if (amr !== undefined && !isStrings(amr)) return bad('amr is not a list of strings');
  if (cnf !== undefined && !isObject(cnf)) return bad('cnf is not an object');
  const chain = parseActorChain(act);
  if (!chain.ok) return refuse('malformed_actor', chain.description);
  return {
    ok: true,
    token: {
      issuer: iss,
      subject: sub,
      audience: aud,
      clientId,
      scopes,
      jti,
      issuedAt: iat,
      expiresAt: exp,
      act: act as ActClaim | undefined,
      actorChain: chain.actors,
      mayAct: claims['may_act'],
      sessionId: sid,
      authTime: auth_time,
      authenticationMethods: amr,
      confirmation: cnf,
      claims,
    },
  };
}

function scopesOf(value: unknown, { allowScopeList }: ResolvedProfile): readonly string[] | undefined {
  const list = typeof value === 'string' ? value.split(' ') : value;
  if (!isStrings(list) || (list === value && !allowScopeList)) return undefined;
  return list.filter((scope) => scope !== '');
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function refusalOf(error: unknown): Refusal<AccessTokenDetail> {
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
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return refuse('unknown_key', 'the signing key is unknown');
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return refuse('bad_signature', 'the signature does not verify');
  if (
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JOSENotSupported
  )
    return refuse('malformed', 'the token is not a signed JWT');
  throw error;
}
