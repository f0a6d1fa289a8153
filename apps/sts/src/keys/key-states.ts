/** A key's place in time; what it is follows from the other keys and the clock, so that replicas agree without a word. */
export interface DatedKey {
  readonly id: string;
  /** Epoch seconds. */
  readonly activeFrom: number;
  readonly revokedAt: number | null;
}

/**
 * `upcoming`: published, not yet used. `active`: the one that signs. `retiring`: signs no more, still verifies.
 * `retired`: everything it signed has expired. `revoked`: refused at once.
 */
export type KeyState = 'upcoming' | 'active' | 'retiring' | 'retired' | 'revoked';

export interface StatedKey<Key extends DatedKey> {
  readonly key: Key;
  readonly state: KeyState;
}

/**
 * States of all keys, newest first. `retainSeconds`: the longest life of what a key signs. The first key of those that are
 * not revoked is in use whatever the clock says: that there is one is the database's answer, and a replica whose clock is
 * behind the one that made it would otherwise make another.
 */
export function statesOf<Key extends DatedKey>(
  keys: readonly Key[],
  now: number,
  retainSeconds: number,
): readonly StatedKey<Key>[] {
  const newestFirst = [...keys].sort(
    (one, other) => other.activeFrom - one.activeFrom || (one.id < other.id ? -1 : 1),
  );
  const first = newestFirst.findLast(({ revokedAt }) => revokedAt === null);
  let successor: Key | undefined;
  return newestFirst.map((key) => {
    if (key.revokedAt !== null) return { key, state: 'revoked' };
    if (key.activeFrom > now && key !== first) return { key, state: 'upcoming' };
    const supersededAt = successor?.activeFrom;
    successor = key;
    if (supersededAt === undefined) return { key, state: 'active' };
    return { key, state: supersededAt + retainSeconds > now ? 'retiring' : 'retired' };
  });
}

const PUBLISHED: Readonly<Record<KeyState, number>> = {
  active: 1,
  upcoming: 2,
  retiring: 3,
  retired: 0,
  revoked: 0,
};

/** The keys that others must know, the active one first. */
export function publishedOf<Key extends DatedKey>(states: readonly StatedKey<Key>[]): readonly Key[] {
  return states
    .filter(({ state }) => PUBLISHED[state] > 0)
    .sort((one, other) => PUBLISHED[one.state] - PUBLISHED[other.state])
    .map(({ key }) => key);
}
