import { problem } from '@behalf/service';

/**
 * Refuses a second request with a key while this process answers the first (409). Other processes' requests wait in the
 * database. Nothing is left behind when a request ends, however it ends.
 */
export function createInProgress() {
  const keys = new Set<string>();
  return async <Result>(payer: string, key: string, work: () => Promise<Result>): Promise<Result> => {
    const name = JSON.stringify([payer, key]);
    if (keys.has(name)) {
      throw problem({
        status: 409,
        type: 'payment-in-progress',
        title: 'In progress',
        detail: 'A request with this Idempotency-Key is being answered. Ask again for its answer.',
        headers: { 'Retry-After': '1' },
      });
    }
    keys.add(name);
    try {
      return await work();
    } finally {
      keys.delete(name);
    }
  };
}
