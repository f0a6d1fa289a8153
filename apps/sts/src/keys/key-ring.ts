import type { Database } from '@behalf/database';
import type { JWK } from 'jose';
import type { Kysely } from 'kysely';
import type { StsSchema } from '../state/schema.ts';
import type { KeyEncryption } from './key-encryption.ts';
import {
  addCookieKey,
  addSigningKey,
  type CookieKey,
  type DatedKey,
  type KeyState,
  openCookieKey,
  openSigningKey,
  publishedOf,
  readCookieKeys,
  readSigningKeys,
  resealKeys,
  type SigningKey,
  statesOf,
} from './key-store.ts';

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
    await ensureKeys(db, context());
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
      await alone((db) => publishNextKeys(db, context()));
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
  await database.exclusively('keys', (db) => ensureKeys(db, context()));
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

/** The keys of one moment. */
export interface KeySnapshot {
  /** Differs when anything below differs. */
  readonly version: string;
  readonly activeKid: string;
  /** With private parts, the active key first: for oidc-provider. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /** What everyone may see, and the only keys that verify. A revoked key is not among them. */
  readonly publicJwks: { readonly keys: readonly JWK[] };
  /** The first signs, all verify. */
  readonly cookieKeys: readonly string[];
}

/** Throws when a key cannot be opened, or there is none. */
export function snapshotOf(
  signing: readonly SigningKey[],
  cookies: readonly CookieKey[],
  { encryption, policy, now }: RotationContext,
): KeySnapshot {
  const published = publishedOf(statesOf(signing, now, policy.retainSeconds));
  const cookieKeys = publishedOf(statesOf(cookies, now, policy.retainSeconds));
  const [active] = published;
  if (active === undefined) throw new Error('there is no signing key');
  return {
    version: [...published, ...cookieKeys].map(({ id }) => id).join(' '),
    activeKid: active.id,
    jwks: { keys: published.map((key) => openSigningKey(key, encryption)) },
    publicJwks: { keys: published.map(({ publicJwk }) => publicJwk) },
    cookieKeys: cookieKeys.map((key) => openCookieKey(key, encryption)),
  };
}

export interface RotationPolicy {
  /** A new signing key is published this long before its first use. */
  readonly publishAheadSeconds: number;
  /** The longest life of what a key signs. */
  readonly retainSeconds: number;
  /** A key that has been active this long is replaced. */
  readonly maximumAgeSeconds: number;
}

export interface RotationContext {
  readonly encryption: KeyEncryption;
  readonly policy: RotationPolicy;
  /** Epoch seconds. */
  readonly now: number;
}

/** When a key that has to be made now takes over; undefined when none has to be. */
export function dueDate(keys: readonly DatedKey[], { policy, now }: RotationContext): number | undefined {
  const states = statesOf(keys, now, policy.retainSeconds);
  const active = states.find(({ state }) => state === 'active');
  if (active === undefined) return now;
  if (states.some(({ state }) => state === 'upcoming')) return undefined;
  return active.key.activeFrom + policy.maximumAgeSeconds <= now
    ? now + policy.publishAheadSeconds
    : undefined;
}

/** Makes what is missing: the first keys, and successors of those that have come of age. The caller holds the lock. */
export async function ensureKeys(db: Kysely<StsSchema>, context: RotationContext): Promise<void> {
  const { encryption, now } = context;
  const signingFrom = dueDate(await readSigningKeys(db), context);
  if (signingFrom !== undefined) await addSigningKey(db, encryption, { now, activeFrom: signingFrom });
  const cookiesFrom = dueDate(await readCookieKeys(db), context);
  if (cookiesFrom !== undefined) await addCookieKey(db, encryption, { now, activeFrom: cookiesFrom });
}

/** Publishes successors, unless some are already upcoming. The caller holds the lock. */
export async function publishNextKeys(db: Kysely<StsSchema>, context: RotationContext): Promise<void> {
  const { encryption, policy, now } = context;
  const states = statesOf(await readSigningKeys(db), now, policy.retainSeconds);
  if (states.some(({ state }) => state === 'upcoming')) return;
  const dates = { now, activeFrom: now + policy.publishAheadSeconds };
  await addSigningKey(db, encryption, dates);
  await addCookieKey(db, encryption, dates);
}

/**
 * Revokes every signing key and puts a new one in their place. A new cookie key signs from now on, but the older ones still
 * verify: a cookie holds an id that nobody can guess and that is not in the database, so a known cookie key forges nothing,
 * whereas browsers without their session could no longer end it. The caller holds the lock.
 */
export async function replaceAtOnce(
  db: Kysely<StsSchema>,
  { encryption, now }: RotationContext,
): Promise<void> {
  await db.updateTable('signing_keys').set({ revoked_at: now }).where('revoked_at', 'is', null).execute();
  await addSigningKey(db, encryption, { now, activeFrom: now });
  await addCookieKey(db, encryption, { now, activeFrom: now });
}
