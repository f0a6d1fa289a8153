/** Text and results that this tab keeps for one user over a reload or a sign-in that leaves the page. Never a token. */
export interface UserStorage {
  /** Undefined: nothing is kept, or it is not JSON. */
  load(subject: string, name: string): unknown;
  /** Undefined removes it. A browser that keeps nothing, or has no room left, is no error: the page goes on without. */
  save(subject: string, name: string, value: unknown): void;
  /** Removes everything of every other user; without a subject, of all. */
  forgetOthers(subject: string | undefined): void;
}

const PREFIX = 'behalf.user.';

/** The one place where a page keeps something for a user, so that no end of a session can pass one by. */
export function createUserStorage(storage: Storage): UserStorage {
  const keyOf = (subject: string, name: string) =>
    `${PREFIX}${encodeURIComponent(subject).replaceAll('.', '%2E')}.${name}`;
  return {
    load(subject, name) {
      try {
        return JSON.parse(storage.getItem(keyOf(subject, name)) ?? 'null') ?? undefined;
      } catch {
        return undefined;
      }
    },
    save(subject, name, value) {
      const key = keyOf(subject, name);
      if (value === undefined) return storage.removeItem(key);
      try {
        storage.setItem(key, JSON.stringify(value));
      } catch {
        storage.removeItem(key);
      }
    },
    forgetOthers(subject) {
      const own = subject === undefined ? undefined : keyOf(subject, '');
      for (const key of Object.keys(storage)) {
        if (key.startsWith(PREFIX) && (own === undefined || !key.startsWith(own))) storage.removeItem(key);
      }
    },
  };
}
