import { createHash } from 'node:crypto';
import type { AttemptCounter } from './attempt-counter.ts';
import { networkOf } from './network.ts';

/** Failures of one user name from one network, and of one network altogether, within `WINDOW_SECONDS`. */
export const FAILURES_PER_NAME = 10;
const FAILURES_PER_NETWORK = 300;
export const WINDOW_SECONDS = 15 * 60;

export type Admission =
  | {
      readonly ok: true;
      /** Call it when the sign-in succeeded, or was not tried: only failures count. */
      readonly takeBack: () => Promise<void>;
    }
  | { readonly ok: false; readonly waitSeconds: number };

export interface SignInThrottle {
  /** Counts an attempt before it is made, so that parallel guesses cannot slip past the limit together. */
  admit(userName: string, address: string): Promise<Admission>;
}

/**
 * Slows guessing down. A name is paused only for the network that the failures came from, and only until the window
 * ends, so nobody can lock somebody else out. An attempt that is turned away counts for nothing.
 */
export function createSignInThrottle(counter: AttemptCounter): SignInThrottle {
  return {
    async admit(userName, address) {
      const network = networkOf(address);
      const limits = [
        { key: keyOf('name', userName.normalize('NFKC').toLowerCase(), network), maximum: FAILURES_PER_NAME },
        { key: keyOf('network', network), maximum: FAILURES_PER_NETWORK },
      ];
      const counted: string[] = [];
      const takeBack = async () => {
        for (const key of counted) await counter.takeBack(key);
      };
      for (const { key, maximum } of limits) {
        const { count, endsInSeconds } = await counter.count(key, WINDOW_SECONDS);
        counted.push(key);
        if (count <= maximum) continue;
        await takeBack();
        return { ok: false, waitSeconds: Math.max(1, endsInSeconds) };
      }
      return { ok: true, takeBack };
    },
  };
}

/** Names and addresses of people are not kept in clear. */
function keyOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
