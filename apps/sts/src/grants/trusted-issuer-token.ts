/**
 * Subject tokens of trusted issuers (RFC 8693 §2.1, `…:jwt`): a partner's JWT about one of its users, whom the registry
 * maps to a user of ours.
 */

import { checkMayAct } from '@behalf/auth';
import type { SubjectToken, ValidatedToken } from '@behalf/extension-grants';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
  type JWTVerifyResult,
} from 'jose';
import { lifetimes } from '../lifetimes.ts';
import type { TrustedIssuer } from '../registry/users-and-issuers.ts';
import { isStorable } from '../state/schema.ts';
import type { UserStore } from '../state/users.ts';

export interface TrustedIssuerTokenOptions {
  readonly issuers: readonly TrustedIssuer[];
  readonly users: Pick<UserStore, 'findById'>;
  /** Finds an issuer's keys. Default: as its registration says, over HTTP for a `jwks_uri`. */
  readonly keysOf?: (issuer: TrustedIssuer) => JWTVerifyGetKey;
}

/** `detail` of a token that could not be checked because its issuer's keys were out of reach. */
export const KEYS_UNAVAILABLE = 'keys_unavailable';

/** Clocks differ: a token may be this young or this much in the future. Age and expiry get no such grace. */
const TOLERANCE_SECONDS = lifetimes.clockToleranceSeconds;

const MAXIMUM_TOKEN_LENGTH = 16 * 1024;

const MAXIMUM_JTI_LENGTH = 256;

/** The issuer a JWT claims to be from, unverified: good for choosing who verifies it, and for nothing else. */
export function claimedIssuerOf(jwt: string): string | undefined {
  if (jwt.length > MAXIMUM_TOKEN_LENGTH) return undefined;
  try {
    const { iss } = decodeJwt(jwt);
    return typeof iss === 'string' ? iss : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Validates such a token: signature by the issuer's own keys and algorithms, `typ` (a plain JWT; no access, ID-for-logout
 * or other special token, RFC 8725 §3.11), the one audience, all required claims, age, no `act`, no `cnf`, and a subject
 * who is an enabled user here. The user's own `may_act` goes along, as in any token of ours.
 *
 * Not checked: who presents it (`azp` is the policy's business), and whether it was used before (`consumePartnerToken`).
 */
export function createTrustedIssuerTokenValidator(options: TrustedIssuerTokenOptions) {
  const keysOf = options.keysOf ?? registeredKeys;
  const issuers = new Map(options.issuers.map((issuer) => [issuer.issuer, { issuer, key: keysOf(issuer) }]));

  return {
    /** The names of the issuers. */
    issuers: new Set(issuers.keys()),

    async read(jwt: string, now: number): Promise<ValidatedToken> {
      const found = issuers.get(claimedIssuerOf(jwt) ?? '');
      if (found === undefined) return refuse('unknown_issuer');
      const verified = await verify(jwt, found.issuer, found.key, now);
      if ('ok' in verified) return verified;

      const fault = faultOf(verified, found.issuer, now);
      if (fault !== undefined) return refuse(fault);
      const { payload } = verified;
      const userId = userOf(payload, found.issuer);
      const user = userId === undefined ? undefined : await options.users.findById(userId);
      if (user === undefined || user.disabled) return refuse('unknown_subject');
      const token = subjectTokenOf(payload, found.issuer, user.id, user.mayAct ?? payload['may_act']);
      return { ok: true, token };
    },
  };
}

export type TrustedIssuerTokenValidator = ReturnType<typeof createTrustedIssuerTokenValidator>;

/** Epoch seconds until which a used token has to be remembered: after that it is refused for its age anyway. */
export function rememberUntil(token: SubjectToken, issuer: TrustedIssuer): number {
  const { iat } = token.claims;
  const tooOldAt = (typeof iat === 'number' ? iat : token.expiresAt) + issuer.maximumAgeSeconds;
  return Math.ceil(Math.min(token.expiresAt, tooOldAt)) + TOLERANCE_SECONDS;
}

async function verify(
  jwt: string,
  issuer: TrustedIssuer,
  key: JWTVerifyGetKey,
  now: number,
): Promise<JWTVerifyResult | ValidatedToken> {
  try {
    return await jwtVerify(jwt, key, {
      issuer: issuer.issuer,
      audience: issuer.audience,
      algorithms: [...issuer.algorithms],
      requiredClaims: [...issuer.requiredClaims],
      currentDate: new Date(now * 1000),
      clockTolerance: TOLERANCE_SECONDS,
    });
  } catch (error) {
    if (error instanceof KeysUnavailable) return refuse(KEYS_UNAVAILABLE);
    if (error instanceof errors.JOSEError) return refuse(error.code);
    throw error;
  }
}

/** Everything that a verified signature does not say. */
function faultOf(
  { protectedHeader, payload }: JWTVerifyResult,
  issuer: TrustedIssuer,
  now: number,
): string | undefined {
  const { aud, azp, iat, exp, jti } = payload as JWTPayload & { azp?: unknown };
  if (protectedHeader.typ !== undefined && protectedHeader.typ.toLowerCase() !== 'jwt') return 'wrong_type';
  if (Array.isArray(aud) && aud.length !== 1) return 'several_audiences';
  if (typeof azp !== 'string' || azp === '') return 'malformed_azp';
  if (typeof jti !== 'string' || jti === '' || jti.length > MAXIMUM_JTI_LENGTH || !isStorable(jti)) {
    return 'malformed_jti';
  }
  if (typeof iat !== 'number' || iat > now + TOLERANCE_SECONDS) return 'issued_in_the_future';
  if (now - iat > issuer.maximumAgeSeconds) return 'too_old';
  if (typeof exp !== 'number' || exp <= now) return 'expired';
  // The chain would start with an actor that this server cannot check.
  if (payload['act'] !== undefined) return 'has_act';
  if (payload['cnf'] !== undefined) return 'bound_to_a_key';
  if (!checkMayAct(payload['may_act'], azp).ok) return 'may_act';
  return undefined;
}

function userOf(payload: JWTPayload, issuer: TrustedIssuer): string | undefined {
  // Its type says so, the token need not: a list of one name would be looked up like the name.
  const sub: unknown = payload.sub;
  return typeof sub === 'string' && Object.hasOwn(issuer.subjects, sub) ? issuer.subjects[sub] : undefined;
}

function subjectTokenOf(
  payload: JWTPayload,
  issuer: TrustedIssuer,
  userId: string,
  mayAct: unknown,
): SubjectToken {
  return {
    kind: 'external',
    subject: userId,
    jti: payload.jti ?? '',
    expiresAt: payload.exp ?? 0,
    issuer: issuer.issuer,
    audience: issuer.audience,
    clientId: undefined,
    // A partner’s scopes mean nothing here.
    scopes: [],
    act: undefined,
    actorChain: [],
    mayAct,
    // The user did not sign in here: there is no session, and nothing is invented in its place.
    sessionId: undefined,
    authTime: undefined,
    authenticationMethods: undefined,
    confirmation: undefined,
    claims: payload,
  };
}

function registeredKeys({ keys }: TrustedIssuer): JWTVerifyGetKey {
  if (keys.kind === 'static') return createLocalJWKSet(keys.jwks);
  const remote = createRemoteJWKSet(new URL(keys.jwksUri), {
    timeoutDuration: lifetimes.outgoingTimeoutMs,
    cacheMaxAge: lifetimes.keySetAgeSeconds * 1000,
  });
  return async (header, token) => {
    try {
      return await remote(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
        throw error;
      if (error instanceof errors.JOSENotSupported) throw error;
      throw new KeysUnavailable('the issuer’s keys cannot be had', { cause: error });
    }
  };
}

class KeysUnavailable extends Error {}

function refuse(detail: string): ValidatedToken & { ok: false } {
  return { ok: false, description: 'the token is not acceptable', detail };
}
