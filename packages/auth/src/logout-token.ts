import { errors, jwtVerify, type JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';
import { DEFAULT_ALGORITHMS, DEFAULT_TOLERANCE_SECONDS } from './access-token.ts';
import type { KeySet } from './key-set.ts';
import { isObject, systemClock } from './outgoing.ts';
import { keyOf } from './verifier.ts';

/** Whose logout it is: at least one of the two is there. Without `sid`, all sessions of the user have ended. */
export interface Logout {
  readonly sid: string | undefined;
  readonly sub: string | undefined;
}

export type ReceivedLogout = { readonly ok: true } | { readonly ok: false; readonly description: string };

export interface LogoutReceiverOptions {
  readonly issuer: string;
  /** This service's client id: the audience of the logout tokens it gets. */
  readonly clientId: string;
  readonly keySet: KeySet;
  /** Drops what hangs from the session. When it throws, the token counts as unused and may be sent again. */
  readonly onLogout: (logout: Logout) => void | Promise<void>;
  /** Default: ES256 alone. */
  readonly algorithms?: readonly string[] | undefined;
  /** Default 5. */
  readonly toleranceSeconds?: number | undefined;
  /** Epoch seconds. */
  readonly now?: (() => number) | undefined;
}

export interface LogoutReceiver {
  /**
   * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0 §2.6) and acts on it. Each is taken once by this
   * process; replicas do not share what they have seen, and a restart forgets it. A token that is sent again then only
   * drops once more what has ended anyway: at worst a user's next call costs an exchange.
   * Throws TokenCheckUnavailableError when the keys cannot be had, and what `onLogout` throws.
   */
  receive(jwt: string): Promise<ReceivedLogout>;
}

const BACKCHANNEL_LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const MAXIMUM_TOKEN_LENGTH = 8 * 1024;
const MAXIMUM_REMEMBERED = 10_000;

export function createLogoutReceiver(options: LogoutReceiverOptions): LogoutReceiver {
  const { now = systemClock, toleranceSeconds = DEFAULT_TOLERANCE_SECONDS } = options;
  /** By jti, when the token expires. */
  const used = new LRUCache<string, number>({ max: MAXIMUM_REMEMBERED });

  return {
    async receive(jwt) {
      const at = now();
      const verdict = await verifyLogoutToken(jwt, { ...options, toleranceSeconds, at });
      if (!verdict.ok) return verdict;
      const { jti, exp, logout } = verdict;
      if ((used.get(jti) ?? 0) > at - toleranceSeconds) return refused('the logout token was used before');
      used.set(jti, exp);
      try {
        await options.onLogout(logout);
      } catch (error) {
        used.delete(jti);
        throw error;
      }
      return { ok: true };
    },
  };
}

interface VerifyOptions extends LogoutReceiverOptions {
  readonly toleranceSeconds: number;
  readonly at: number;
}

type VerifiedLogoutToken =
  | { readonly ok: true; readonly logout: Logout; readonly jti: string; readonly exp: number }
  | { readonly ok: false; readonly description: string };

async function verifyLogoutToken(jwt: string, options: VerifyOptions): Promise<VerifiedLogoutToken> {
  if (jwt.length > MAXIMUM_TOKEN_LENGTH) return refused('the logout token is too large');
  try {
    const { payload } = await jwtVerify(jwt, keyOf(options.keySet), {
      typ: 'logout+jwt',
      issuer: options.issuer,
      audience: options.clientId,
      algorithms: [...(options.algorithms ?? DEFAULT_ALGORITHMS)],
      currentDate: new Date(options.at * 1000),
      clockTolerance: options.toleranceSeconds,
      requiredClaims: ['iss', 'aud', 'iat', 'exp', 'jti', 'events'],
    });
    return shape(payload, options.at + options.toleranceSeconds);
  } catch (error) {
    if (error instanceof errors.JOSEError) return refused('the logout token does not verify');
    throw error;
  }
}

function shape({ iat, exp, jti, sid, sub, nonce, events }: JWTPayload, latest: number): VerifiedLogoutToken {
  if (typeof iat !== 'number' || iat > latest) return refused('iat is not acceptable');
  if (typeof exp !== 'number') return refused('exp is not acceptable');
  if (typeof jti !== 'string' || jti === '') return refused('jti is not a string');
  if (nonce !== undefined) return refused('a logout token has no nonce');
  if (!isObject(events) || !isObject(events[BACKCHANNEL_LOGOUT_EVENT]))
    return refused('events names no logout');
  if (!isOptionalName(sid) || !isOptionalName(sub)) return refused('sid or sub is not a string');
  if (sid === undefined && sub === undefined) return refused('neither sid nor sub is there');
  return { ok: true, logout: { sid, sub }, jti, exp };
}

function isOptionalName(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '');
}

function refused(description: string): { readonly ok: false; readonly description: string } {
  return { ok: false, description };
}
