import PQueue from 'p-queue';
import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { availableParallelism } from 'node:os';
import { type Kysely, sql, type Transaction } from 'kysely';
import { lifetimes } from '../lifetimes.ts';
import type { StsSchema } from '../state/schema.ts';
import type { UserStore } from '../state/users.ts';

/** Failures of one user name from one network, and of one network altogether, within `WINDOW_SECONDS`. */
export const FAILURES_PER_NAME = 10;

const FAILURES_PER_NETWORK = 300;

const WINDOW_SECONDS = lifetimes.signInWindowSeconds;

/** A check costs 20 ms of one core and 19 MiB. One core, and half of the threads that sign tokens, stay free. */
const CHECKS_AT_ONCE = Math.max(1, Math.min(2, availableParallelism() - 1));

const MAXIMUM_WAITING = 256;

/** How long an attempt waits for its turn. */
const WAIT_MS = 10_000;

/** `busy`: nothing was checked, because too many others wait. */
export type SignInResult =
  | { readonly ok: true; readonly user: NonNullable<Awaited<ReturnType<UserStore['authenticate']>>> }
  | { readonly ok: false; readonly problem: 'refused' | 'busy' | { readonly waitSeconds: number } };

export type SignInCheck = (name: string, password: string, address: string) => Promise<SignInResult>;

/**
 * Checks a name and a password, throttled. Attempts take turns from their first write on, so that a flood of them delays
 * nothing but sign-ins.
 */
export function createSignInCheck(
  users: Pick<UserStore, 'authenticate'>,
  throttle: SignInThrottle,
  { maximum = CHECKS_AT_ONCE, maximumWaiting = MAXIMUM_WAITING } = {},
): SignInCheck {
  const queue = new PQueue({ concurrency: maximum });

  async function check(name: string, password: string, address: string): Promise<SignInResult> {
    const admission = await throttle.consume(name, address);
    if (!admission.ok) return { ok: false, problem: { waitSeconds: admission.waitSeconds } };
    const user = await users.authenticate(name, password);
    if (user === undefined) return { ok: false, problem: 'refused' };
    await admission.refund();
    return { ok: true, user };
  }

  return async (name, password, address) => {
    if (queue.size >= maximumWaiting) return { ok: false, problem: 'busy' };
    const turn = AbortSignal.timeout(WAIT_MS);
    return queue.add(async () =>
      turn.aborted ? { ok: false, problem: 'busy' } : check(name, password, address),
    );
  };
}

export type Admission =
  /** `refund`: the sign-in succeeded; only failures count. */
  | { readonly ok: true; readonly refund: () => Promise<void> }
  | { readonly ok: false; readonly waitSeconds: number };

export interface SignInThrottle {
  /** Counts an attempt before it is made, so that parallel guesses cannot pass the limit together. */
  consume(userName: string, address: string): Promise<Admission>;
}

/**
 * Slows guessing down, on all replicas together. A name is paused only for the network that the failures came from, and only
 * until the window ends, so nobody can lock another person out. An attempt that is turned away writes nothing. A network
 * leaves at most `FAILURES_PER_NETWORK` names in the table, each until its window ends.
 */
export function createSignInThrottle(db: Kysely<StsSchema>, now: () => number): SignInThrottle {
  return {
    async consume(userName, address) {
      const at = now();
      const network = networkOf(address);
      const limits = [
        { key: keyOf('network', network), maximum: FAILURES_PER_NETWORK },
        { key: keyOf('name', userName.normalize('NFKC').toLowerCase(), network), maximum: FAILURES_PER_NAME },
      ];
      try {
        await db.transaction().execute(async (transaction) => {
          for (const { key, maximum } of limits) {
            const { attempts, window_ends_at } = await count(transaction, key, at);
            if (attempts > maximum) throw new TooManyAttempts(Math.max(1, window_ends_at - at));
          }
        });
      } catch (error) {
        if (error instanceof TooManyAttempts) return { ok: false, waitSeconds: error.waitSeconds };
        throw error;
      }
      const keys = limits.map(({ key }) => key);
      return { ok: true, refund: () => refund(db, keys) };
    },
  };
}

/** Rolls the counting back. */
class TooManyAttempts extends Error {
  readonly waitSeconds: number;

  constructor(waitSeconds: number) {
    super('too many attempts');
    this.waitSeconds = waitSeconds;
  }
}

/** Names and addresses of people are not kept in clear. */
function keyOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** One more attempt; the first one opens the window. One statement, so that parallel attempts each get their own number. */
function count(transaction: Transaction<StsSchema>, key: string, at: number) {
  const isOver = sql`sign_in_attempts.window_ends_at <= ${at}`;
  return transaction
    .insertInto('sign_in_attempts')
    .values({ key, attempts: 1, window_ends_at: at + WINDOW_SECONDS })
    .onConflict((conflict) =>
      conflict.column('key').doUpdateSet({
        attempts: sql<number>`case when ${isOver} then 1 else sign_in_attempts.attempts + 1 end`,
        window_ends_at: sql<number>`case when ${isOver}
          then excluded.window_ends_at else sign_in_attempts.window_ends_at end`,
      }),
    )
    .returning(['attempts', 'window_ends_at'])
    .executeTakeFirstOrThrow();
}

/** One attempt less. A row without attempts goes. */
function refund(db: Kysely<StsSchema>, keys: readonly string[]): Promise<void> {
  return db.transaction().execute(async (transaction) => {
    await transaction
      .deleteFrom('sign_in_attempts')
      .where('key', 'in', keys)
      .where('attempts', '<=', 1)
      .execute();
    await transaction
      .updateTable('sign_in_attempts')
      .set({ attempts: sql<number>`attempts - 1` })
      .where('key', 'in', keys)
      .execute();
  });
}

/** The caller that an address stands for: an IPv4 address, or the /64 that an IPv6 subscriber has to itself. */
function networkOf(address: string): string {
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
