import type { Database } from '@behalf/database';
import type { Kysely } from 'kysely';
import type { StsSchema } from '../storage/schema.ts';
import type { KeyEncryption } from './key-encryption.ts';
import {
  announceSuccessors,
  dueDate,
  replaceAtOnce,
  replenish,
  type RotationContext,
  type RotationPolicy,
} from './key-rotation.ts';
import { snapshotOf, type KeySnapshot } from './key-snapshot.ts';
import { statesOf, type KeyState } from './key-states.ts';
import { readCookieKeys, readSigningKeys, resealKeys } from './key-store.ts';

export interface KeyRingOptions {
  readonly database: Database<StsSchema>;
  readonly encryption: KeyEncryption;
  /** Epoch seconds. */
  readonly now: () => number;
  /** Defaults: `DEFAULT_ROTATION`. */
  readonly rotation?: Partial<RotationPolicy>;
}

/**
 * Verifiers keep a key set for 60 s, so a key is published 90 s ahead. What a key signs lives for nine hours at most: an ID token
 * serves as a hint at logout as long as its session lives.
 */
export const DEFAULT_ROTATION: RotationPolicy = {
  publishAheadSeconds: 90,
  retainSeconds: 9 * 3600,
  maximumAgeSeconds: 90 * 24 * 3600,
};

export interface KeyListing {
  readonly kid: string;
  readonly state: KeyState;
  readonly createdAt: number;
  readonly activeFrom: number;
}

export interface KeyRing {
  /** As last read. */
  current(): KeySnapshot;
  /** Reads the keys anew, and replaces one that has come of age. Resolves with whether anything changed. */
  refresh(): Promise<boolean>;
  /** Refreshes again and again; calls `onChange` when another replica, an operator or the clock changed the keys. Returns what stops it. */
  watch(onChange: (keys: KeySnapshot) => void, options?: WatchOptions): () => void;
  list(): Promise<readonly KeyListing[]>;
  /** Publishes a new key that takes over after `publishAheadSeconds`; nothing happens while one is already upcoming. */
  rotate(): Promise<void>;
  /** Emergency: a new key signs from now on, and every older one is refused, with all it signed. Browsers keep their sessions. */
  rotateNow(): Promise<void>;
}

export interface WatchOptions {
  /** Default 1000. */
  readonly intervalMs?: number;
  /** Told when the database did not answer; the keys stay as they were. */
  readonly onError?: (error: unknown) => void;
}

/** Opens the keys, and makes them when there are none. Replicas that start at once make one key between them. */
export async function openKeyRing({ database, encryption, now, rotation }: KeyRingOptions): Promise<KeyRing> {
  const policy = { ...DEFAULT_ROTATION, ...rotation };
  const context = (): RotationContext => ({ encryption, policy, now: now() });
  const alone = (work: (db: Kysely<StsSchema>) => Promise<void>) => database.exclusively('keys', work);

  await alone(async (db) => {
    await resealKeys(db, encryption);
    await replenish(db, context());
  });
  let keys = await readSnapshot(database, context);

  const refresh = async (): Promise<boolean> => {
    const latest = await readSnapshot(database, context);
    const changed = latest.version !== keys.version;
    keys = latest;
    return changed;
  };

  return {
    current: () => keys,
    refresh,

    watch(onChange, options) {
      // What this process changed itself is told as well: by then `refresh` alone would see no difference.
      let told = keys.version;
      return poll(async () => {
        await refresh();
        if (keys.version === told) return;
        told = keys.version;
        onChange(keys);
      }, options);
    },

    async list() {
      const states = statesOf(await readSigningKeys(database.db), now(), policy.retainSeconds);
      return states.map(({ key, state }) => ({
        kid: key.id,
        state,
        createdAt: key.createdAt,
        activeFrom: key.activeFrom,
      }));
    },

    async rotate() {
      await alone((db) => announceSuccessors(db, context()));
      await refresh();
    },

    async rotateNow() {
      await alone((db) => replaceAtOnce(db, context()));
      await refresh();
    },
  };
}

async function readSnapshot(
  database: Database<StsSchema>,
  context: () => RotationContext,
): Promise<KeySnapshot> {
  const read = async () => [await readSigningKeys(database.db), await readCookieKeys(database.db)] as const;
  const [signing, cookies] = await read();
  if ([signing, cookies].every((keys) => dueDate(keys, context()) === undefined)) {
    return snapshotOf(signing, cookies, context());
  }
  await database.exclusively('keys', (db) => replenish(db, context()));
  return snapshotOf(...(await read()), context());
}

/** Looks again and again, one look at a time, until it is stopped. Does not keep the process alive. */
function poll(look: () => Promise<void>, { intervalMs = 1000, onError }: WatchOptions = {}): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout;
  const next = (): void => {
    if (stopped) return;
    timer = setTimeout(
      () =>
        void look()
          .catch((error: unknown) => onError?.(error))
          .finally(next),
      intervalMs,
    ).unref();
  };
  next();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
