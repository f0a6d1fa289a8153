import type { Kysely } from 'kysely';
import type { StsSchema } from '../storage/schema.ts';
import type { KeyEncryption } from './key-encryption.ts';
import { statesOf, type DatedKey } from './key-states.ts';
import { addCookieKey, addSigningKey, readCookieKeys, readSigningKeys } from './key-store.ts';

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
export async function replenish(db: Kysely<StsSchema>, context: RotationContext): Promise<void> {
  const { encryption, now } = context;
  const signingFrom = dueDate(await readSigningKeys(db), context);
  if (signingFrom !== undefined) await addSigningKey(db, encryption, { now, activeFrom: signingFrom });
  const cookiesFrom = dueDate(await readCookieKeys(db), context);
  if (cookiesFrom !== undefined) await addCookieKey(db, encryption, { now, activeFrom: cookiesFrom });
}

/** Publishes successors, unless some are already upcoming. The caller holds the lock. */
export async function announceSuccessors(db: Kysely<StsSchema>, context: RotationContext): Promise<void> {
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
