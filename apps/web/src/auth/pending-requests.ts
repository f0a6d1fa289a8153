import * as z from 'zod/mini';

const requestSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  codeVerifier: z.string(),
  /** Where to go on afterwards; empty for a silent request. */
  returnTo: z.string(),
  /** The greatest age of the sign-in that was asked for. */
  maxAgeSeconds: z.optional(z.number()),
});

/** A request to the authorization server whose answer has not come yet. */
export type PendingRequest = z.infer<typeof requestSchema>;

const storedSchema = z.extend(requestSchema, { /** Epoch seconds. */ at: z.number() });

const PREFIX = 'behalf.request.';
const SIGN_OUT = 'behalf.sign-out';
const ABANDONED_AFTER_SECONDS = 3600;

/** Keeps requests in the tab's storage until their answers come. Each is taken once; abandoned ones are removed. */
export function createPendingRequests(storage: Storage, now: () => number) {
  const read = (key: string) => {
    try {
      return storedSchema.safeParse(JSON.parse(storage.getItem(key) ?? 'null')).data;
    } catch {
      return undefined;
    }
  };
  return {
    add(request: PendingRequest): void {
      for (const key of Object.keys(storage)) {
        if (!key.startsWith(PREFIX)) continue;
        if ((read(key)?.at ?? 0) < now() - ABANDONED_AFTER_SECONDS) storage.removeItem(key);
      }
      storage.setItem(PREFIX + request.state, JSON.stringify({ ...request, at: now() }));
    },

    take(state: string | null): PendingRequest | undefined {
      if (state === null) return undefined;
      const request = read(PREFIX + state);
      storage.removeItem(PREFIX + state);
      return request;
    },

    /** Removes all: the path that a person was to come back to is theirs as well. */
    clear(): void {
      for (const key of Object.keys(storage)) if (key.startsWith(PREFIX)) storage.removeItem(key);
    },

    addSignOut: (state: string): void => storage.setItem(SIGN_OUT, state),

    takeSignOut(): string | undefined {
      const state = storage.getItem(SIGN_OUT) ?? undefined;
      storage.removeItem(SIGN_OUT);
      return state;
    },
  };
}
