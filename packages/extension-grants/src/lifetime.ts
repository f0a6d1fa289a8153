import type { SubjectToken } from './contract.ts';

export interface LifetimeLimits {
  readonly requestedSeconds: number | undefined;
  readonly maximumSeconds: number;
  /** The API's own limit. */
  readonly targetSeconds: number | undefined;
  readonly from: SubjectToken | undefined;
  /** Epoch seconds. */
  readonly now: number;
}

/**
 * Seconds that a new token may live: the shortest of all limits, so that it never outlives its subject token. Zero or
 * less: that one is used up. Throws for a requested lifetime that is not a whole number of seconds from 1 on.
 */
export function lifetimeSecondsOf(limits: LifetimeLimits): number {
  const { requestedSeconds, maximumSeconds, targetSeconds, from, now } = limits;
  if (requestedSeconds !== undefined) assertLifetime(requestedSeconds);
  return Math.min(
    maximumSeconds,
    requestedSeconds ?? Number.POSITIVE_INFINITY,
    targetSeconds ?? Number.POSITIVE_INFINITY,
    from === undefined ? Number.POSITIVE_INFINITY : Math.floor(from.expiresAt - now),
  );
}

export function assertLifetime(seconds: number, maximumSeconds = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(seconds) && seconds >= 1 && seconds <= maximumSeconds) return;
  throw new RangeError(`a lifetime is a whole number of seconds from 1 to ${maximumSeconds}`);
}
