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

/** States of all keys, newest first. `retainSeconds`: the longest life of what a key signs. */
export function statesOf<Key extends DatedKey>(
  keys: readonly Key[],
  now: number,
  retainSeconds: number,
): readonly StatedKey<Key>[] {
  const newestFirst = [...keys].sort(
    (one, other) => other.activeFrom - one.activeFrom || (one.id < other.id ? -1 : 1),
  );
  let successor: Key | undefined;
  return newestFirst.map((key) => {
    if (key.revokedAt !== null) return { key, state: 'revoked' };
    if (key.activeFrom > now) return { key, state: 'upcoming' };
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
