import type { JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';
import { DEFAULT_ALGORITHMS, verifyJwt } from './access-token.ts';
import type { KeySet } from './key-set.ts';
import { assertOptions, CLOCK_TOLERANCE_SECONDS, isObject, systemClock } from './options.ts';
import { refuse, type Refusal } from './refusal.ts';

/** The session or user that has logged out: at least one of the two is there. Without `sid`, all sessions of the user ended. */
export interface Logout {
  readonly sid: string | undefined;
  readonly sub: string | undefined;
}

export type ReceivedLogout = { readonly ok: true } | Refusal;

/** Remembers which values were used. Replicas may share one. */
export interface ReplayStore {
  /** True for the first caller with this value, false for every other one until it expires (epoch seconds). */
  consume(value: string, expiresAt: number): boolean | Promise<boolean>;
  /** Makes a value good for another use. */
  release(value: string): void | Promise<void>;
}

export interface LogoutReceiverOptions {
  readonly issuer: string;
  /** This service's client id: the audience of the logout tokens it gets. */
  readonly clientId: string;
  readonly keySet: KeySet;
  /** Drops what hangs from the session. When it throws, the token counts as unused and may be sent again. */
  readonly onLogout: (logout: Logout) => void | Promise<void>;
  /** Default: the memory of this process. */
  readonly replays?: ReplayStore | undefined;
  /** Default: ES256 alone. */
  readonly algorithms?: readonly string[] | undefined;
  /** Epoch seconds. */
  readonly now?: (() => number) | undefined;
}

const BACKCHANNEL_LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const REQUIRED_CLAIMS = ['iss', 'aud', 'iat', 'exp', 'jti', 'events'];
const MAXIMUM_REMEMBERED = 10_000;

/** Throws TypeError for a malformed option. */
export function createLogoutReceiver(options: LogoutReceiverOptions) {
  const { issuer, clientId, keySet, onLogout, algorithms = DEFAULT_ALGORITHMS, now = systemClock } = options;
  assertOptions('name', { issuer, clientId });
  assertOptions('names', { algorithms });
  assertOptions('function', { onLogout, now, 'keySet.find': keySet?.find });
  const { replays = createReplayMemory(now) } = options;
  assertOptions('function', { 'replays.consume': replays.consume });

  return {
    /**
     * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0 §2.6) and acts on it, once as far as `replays`
     * remembers: a token that is sent again afterwards drops once more what has ended, which costs a user's next call an
     * exchange at worst. Throws TokenCheckUnavailableError when the keys cannot be had, and what `onLogout` and `replays`
     * throw.
     */
    async receive(jwt: string): Promise<ReceivedLogout> {
      const at = now();
      const verified = await verifyJwt(jwt, {
        issuer,
        audience: clientId,
        algorithms,
        key: keySet.find,
        now: at,
        types: ['logout+jwt'],
        requiredClaims: REQUIRED_CLAIMS,
      });
      if (!verified.ok) return verified;
      const parsed = parseClaims(verified.claims);
      if (!parsed.ok) return parsed;
      const { jti, exp, logout } = parsed;
      if (!(await replays.consume(jti, exp + CLOCK_TOLERANCE_SECONDS)))
        return refuse('replayed', 'the logout token was used before');
      try {
        await onLogout(logout);
      } catch (error) {
        await replays.release(jti);
        throw error;
      }
      return { ok: true };
    },
  };
}

/** In this process, until it ends; of very many, the least recent are forgotten. */
function createReplayMemory(now: () => number): ReplayStore {
  const used = new LRUCache<string, number>({ max: MAXIMUM_REMEMBERED });
  return {
    consume(value, expiresAt) {
      if ((used.get(value) ?? 0) > now()) return false;
      used.set(value, expiresAt);
      return true;
    },
    release: (value) => void used.delete(value),
  };
}

function parseClaims({ exp, jti, sid, sub, nonce, events }: JWTPayload) {
  const bad = (description: string) => refuse('malformed_claim', description);
  if (typeof exp !== 'number') return bad('exp is not acceptable');
  if (typeof jti !== 'string' || jti === '') return bad('jti is not a string');
  if (nonce !== undefined) return bad('a logout token has no nonce');
  if (!isObject(events) || !isObject(events[BACKCHANNEL_LOGOUT_EVENT])) return bad('events names no logout');
  if (!isOptionalName(sid) || !isOptionalName(sub)) return bad('sid or sub is not a string');
  if (sid === undefined && sub === undefined) return bad('neither sid nor sub is there');
  return { ok: true, logout: { sid, sub }, jti, exp } as const;
}

function isOptionalName(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '');
}
