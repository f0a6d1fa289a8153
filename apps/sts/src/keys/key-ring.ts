import type { Database } from '@behalf/database';
import type { JWK } from 'jose';
import type { Kysely } from 'kysely';
import { lifetimes } from '../lifetimes.ts';
import type { StsSchema } from '../state/schema.ts';
import type { KeyEncryption } from './key-encryption.ts';
import {
  addKey,
  type KeyState,
  openKey,
  publicJwkOf,
  readKeys,
  resealKeys,
  statesOf,
  type StoredKey,
} from './key-store.ts';

/** The keys of one moment. */
export interface KeySnapshot {
  /** Differs when anything below differs. */
  readonly version: string;
  readonly activeKid: string;
  /** With private parts, the active key first: for oidc-provider. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /** Public parts, and the only keys that verify. A revoked key is not among them. */
  readonly publicJwks: { readonly keys: readonly JWK[] };
  /** The first signs, all verify. */
  readonly cookieKeys: readonly string[];
}

/** Seconds; see lifetimes.ts. */
const { keyPublishedAheadSeconds, keyRetentionSeconds, keyMaximumAgeSeconds } = lifetimes;

const USES = ['signing', 'cookie'] as const;

export interface KeyRingOptions {
  readonly database: Database<StsSchema>;
  readonly encryption: KeyEncryption;
  /** Epoch seconds. */
  readonly now: () => number;
}

/** Opens the keys, and makes them when there are none. Replicas that start at once make one key of each use between them. */
export async function openKeyRing({ database, encryption, now }: KeyRingOptions) {
  await database.exclusively('keys', async (db) => {
    await resealKeys(db, encryption);
    await ensureKeys(db, encryption, now());
  });
  let keys = await read();

  async function read(): Promise<KeySnapshot> {
    let stored = await readKeys(database.db);
    if (USES.some((use) => dueDate(stored, use, now()) !== undefined)) {
      await database.exclusively('keys', (db) => ensureKeys(db, encryption, now()));
      stored = await readKeys(database.db);
    }
    return snapshotOf(stored, encryption, now());
  }

  /** Reads the keys anew, and replaces one that has come of age. Resolves with whether anything changed. */
  const refresh = async (): Promise<boolean> => {
    const latest = await read();
    const changed = latest.version !== keys.version;
    keys = latest;
    return changed;
  };

  return {
    /** As last read. */
    current: () => keys,

    refresh,

    /**
     * Refreshes again and again; calls `onChange` when this process, another one, an operator or the clock changed the
     * keys, and `onError` when the database did not answer, in which case the keys stay as they were. Returns what stops it.
     */
    watch(
      onChange: (keys: KeySnapshot) => void,
      options: { readonly intervalMs?: number; readonly onError?: (error: unknown) => void } = {},
    ): () => void {
      const { intervalMs = lifetimes.keyPollMs, onError } = options;
      let told = keys.version;
      let stopped = false;
      let timer: NodeJS.Timeout;
      const look = async (): Promise<void> => {
        await refresh();
        if (keys.version === told) return;
        told = keys.version;
        onChange(keys);
      };
      const next = (): void => {
        if (stopped) return;
        timer = setTimeout(() => void look().catch(onError).finally(next), intervalMs).unref();
      };
      next();
      return () => {
        stopped = true;
        clearTimeout(timer);
      };
    },
  };
}

/** Operators’ commands on the signing keys. Every process sees a change at its next poll. `encryption` is asked for on use. */
export function createKeyOperations(
  database: Database<StsSchema>,
  now: () => number,
  encryption: () => Promise<KeyEncryption>,
) {
  const addBoth = async (db: Kysely<StsSchema>, activeFrom: number) => {
    const sealing = await encryption();
    for (const use of USES) await addKey(db, sealing, { use, now: now(), activeFrom });
  };

  return {
    async list(): Promise<readonly { kid: string; state: KeyState; activeFrom: number }[]> {
      const states = statesOf(ofUse(await readKeys(database.db), 'signing'), now(), keyRetentionSeconds);
      return states.map(({ key, state }) => ({ kid: key.id, state, activeFrom: key.active_from }));
    },

    /** Publishes new keys that take over after `keyPublishedAheadSeconds`; nothing happens while one is upcoming. */
    rotate: () =>
      database.exclusively('keys', async (db) => {
        const states = statesOf(ofUse(await readKeys(db), 'signing'), now(), keyRetentionSeconds);
        if (states.some(({ state }) => state === 'upcoming')) return;
        await addBoth(db, now() + keyPublishedAheadSeconds);
      }),

    /**
     * Revokes every signing key, with all it signed; a new one signs from now on. Older cookie keys still verify, because
     * a known cookie key forges nothing (a cookie is a random id that is not in the database), whereas browsers without
     * their session could no longer end it.
     */
    rotateNow: () =>
      database.exclusively('keys', async (db) => {
        await db
          .updateTable('keys')
          .set({ revoked_at: now() })
          .where('use', '=', 'signing')
          .where('revoked_at', 'is', null)
          .execute();
        await addBoth(db, now());
      }),
  };
}

/** Makes the first keys, and successors of those that have come of age. The caller holds the lock. */
async function ensureKeys(db: Kysely<StsSchema>, encryption: KeyEncryption, now: number): Promise<void> {
  const stored = await readKeys(db);
  for (const use of USES) {
    const activeFrom = dueDate(stored, use, now);
    if (activeFrom !== undefined) await addKey(db, encryption, { use, now, activeFrom });
  }
}

/** When a key that has to be made now takes over; undefined when none has to be. */
function dueDate(keys: readonly StoredKey[], use: StoredKey['use'], now: number): number | undefined {
  const states = statesOf(ofUse(keys, use), now, keyRetentionSeconds);
  const active = states.find(({ state }) => state === 'active');
  if (active === undefined) return now;
  if (states.some(({ state }) => state === 'upcoming')) return undefined;
  return active.key.active_from + keyMaximumAgeSeconds <= now ? now + keyPublishedAheadSeconds : undefined;
}

/** Throws when a key cannot be opened, or there is none. */
function snapshotOf(stored: readonly StoredKey[], encryption: KeyEncryption, now: number): KeySnapshot {
  const signing = publishedOf(stored, 'signing', now);
  const cookies = publishedOf(stored, 'cookie', now);
  const [active] = signing;
  if (active === undefined) throw new Error('there is no signing key');
  return {
    version: [...signing, ...cookies].map(({ id }) => id).join(' '),
    activeKid: active.id,
    jwks: { keys: signing.map((key) => JSON.parse(openKey(key, encryption)) as JWK) },
    publicJwks: { keys: signing.map(publicJwkOf) },
    cookieKeys: cookies.map((key) => openKey(key, encryption)),
  };
}

const ORDER: readonly KeyState[] = ['active', 'upcoming', 'retiring'];

/** The keys of that use that others must know, the active one first. */
function publishedOf(keys: readonly StoredKey[], use: StoredKey['use'], now: number): readonly StoredKey[] {
  return statesOf(ofUse(keys, use), now, keyRetentionSeconds)
    .filter(({ state }) => ORDER.includes(state))
    .sort((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state))
    .map(({ key }) => key);
}

function ofUse(keys: readonly StoredKey[], use: StoredKey['use']): readonly StoredKey[] {
  return keys.filter((key) => key.use === use);
}
