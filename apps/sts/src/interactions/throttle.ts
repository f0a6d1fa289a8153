import PQueue from 'p-queue';
import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { type Kysely, sql } from 'kysely';
import type { StsSchema } from '../state/schema.ts';
import type { User, UserStore } from '../state/users.ts';

/** Failures of one user name from one network, and of one network altogether, within `WINDOW_SECONDS`. */
export const FAILURES_PER_NAME = 10;

const FAILURES_PER_NETWORK = 300;

export const WINDOW_SECONDS = 15 * 60;

export type Admission =
  | {
      readonly ok: true;
      /** Call it when the sign-in succeeded, or was not tried: only failures count. */
      readonly refund: () => Promise<void>;
    }
  | { readonly ok: false; readonly waitSeconds: number };

export interface SignInThrottle {
  /** Counts an attempt before it is made, so that parallel guesses cannot slip past the limit together. */
  consume(userName: string, address: string): Promise<Admission>;
}

/**
 * Slows guessing down. A name is paused only for the network that the failures came from, and only until the window
 * ends, so nobody can lock somebody else out. An attempt that is turned away counts for nothing.
 */
export function createSignInThrottle(counter: AttemptCounter): SignInThrottle {
  return {
    async consume(userName, address) {
      const network = networkOf(address);
      const limits = [
        { key: keyOf('name', userName.normalize('NFKC').toLowerCase(), network), maximum: FAILURES_PER_NAME },
        { key: keyOf('network', network), maximum: FAILURES_PER_NETWORK },
      ];
      const counted: string[] = [];
      const takeBack = async () => {
        for (const key of counted) await counter.refund(key);
      };
      for (const { key, maximum } of limits) {
        const { count, endsInSeconds } = await counter.count(key, WINDOW_SECONDS);
        counted.push(key);
        if (count <= maximum) continue;
        await takeBack();
        return { ok: false, waitSeconds: Math.max(1, endsInSeconds) };
      }
      return { ok: true, refund: takeBack };
    },
  };
}

/** Names and addresses of people are not kept in clear. */
function keyOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** Counts per key within fixed windows, on all replicas together. */
export interface AttemptCounter {
  /** One more; the first one opens the window. */
  count(key: string, windowSeconds: number): Promise<{ count: number; endsInSeconds: number }>;
  /** One less in the window that is open. */
  refund(key: string): Promise<void>;
}

export function createAttemptCounter(db: Kysely<StsSchema>, now: () => number): AttemptCounter {
  return {
    async count(key, windowSeconds) {
      const at = now();
      // One statement, so that parallel attempts each see their own number.
      const row = await db
        .insertInto('sign_in_attempts')
        .values({ key, attempts: 1, window_ends_at: at + windowSeconds })
        .onConflict((conflict) =>
          conflict.column('key').doUpdateSet({
            attempts: sql<number>`case when sign_in_attempts.window_ends_at <= ${at} then 1
              else sign_in_attempts.attempts + 1 end`,
            window_ends_at: sql<number>`case when sign_in_attempts.window_ends_at <= ${at}
              then excluded.window_ends_at else sign_in_attempts.window_ends_at end`,
          }),
        )
        .returning(['attempts', 'window_ends_at'])
        .executeTakeFirstOrThrow();
      return { count: row.attempts, endsInSeconds: row.window_ends_at - at };
    },

    async refund(key) {
      await db
        .updateTable('sign_in_attempts')
        .set({ attempts: sql<number>`attempts - 1` })
        .where('key', '=', key)
        .where('attempts', '>', 0)
        .execute();
    },
  };
}

/** What counts as one caller: an IPv4 address, or the /64 that an IPv6 subscriber has to itself. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.toLowerCase().split('%', 1)[0] ?? '').split('::');
  const left = groupsOf(head);
  const right = groupsOf(tail ?? '');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

function groupsOf(part: string): string[] {
  return part === '' ? [] : part.split(':');
}

export interface PasswordCheckLimits {
  /** Default 2: they leave threads for what signs tokens. A check takes one for a while, and 19 MiB. */
  readonly maximum?: number;
  /** Default 512. */
  readonly maximumWaiting?: number;
  /** How long one waits for its turn. Default 10 s. */
  readonly timeoutMs?: number;
}

/** The user, if name and password fit; `busy` when nothing was checked because too many others are. */
export type PasswordCheck = (
  name: string,
  password: string,
) => Promise<{ readonly user: User | undefined } | 'busy'>;

/** Bounds how many passwords are checked at once, so that a flood of sign-ins does not stop everything else. */
export function createPasswordCheck(
  users: Pick<UserStore, 'authenticate'>,
  { maximum = 2, maximumWaiting = 512, timeoutMs = 10_000 }: PasswordCheckLimits = {},
): PasswordCheck {
  const queue = new PQueue({ concurrency: maximum });
  return async (name, password) => {
    if (queue.size >= maximumWaiting) return 'busy';
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      return await queue.add(async () => ({ user: await users.authenticate(name, password) }), { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      return 'busy';
    }
  };
}
