import { TokenCheckUnavailableError } from './outgoing.ts';

/** Remembers which values were used, such as a `jti`. Replicas may share one, for instance a table with a unique column. */
export interface ReplayStore {
  /** True for the first caller with this value, false for every other one until it expires (epoch seconds). */
  consume(value: string, expiresAt: number): boolean | Promise<boolean>;
  /** Makes a value good for another use. */
  release(value: string): void | Promise<void>;
}

const MAXIMUM_REMEMBERED = 100_000;

/**
 * Remembers in this process, until it ends. When it is full of values that could be used again it takes no more, and
 * throws TokenCheckUnavailableError. `now` gives epoch seconds.
 */
export function createReplayMemory(now: () => number, maximum = MAXIMUM_REMEMBERED): ReplayStore {
  const used = new Map<string, number>();
  return {
    consume(value, expiresAt) {
      const at = now();
      if ((used.get(value) ?? Number.NEGATIVE_INFINITY) >= at) return false;
      if (used.size >= maximum) for (const [old, until] of used) if (until < at) used.delete(old);
      if (used.size >= maximum) throw new TokenCheckUnavailableError('too many used values are remembered');
      used.set(value, expiresAt);
      return true;
    },
    release: (value) => void used.delete(value),
  };
}
