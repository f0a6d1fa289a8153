import { problem } from '@behalf/service';
import type { Request, RequestHandler } from 'express';

const KEY = /^[\x20-\x7e]{1,64}$/;

/** Refuses a request without one `Idempotency-Key` of 1 to 64 printable characters. `idempotencyKeyOf` gives it. */
export const requireIdempotencyKey: RequestHandler = (request, _response, next) => {
  idempotencyKeyOf(request);
  next();
};

/** Throws a Problem (400) when there is none. */
export function idempotencyKeyOf(request: Request): string {
  const [key, ...more] = request.headersDistinct['idempotency-key'] ?? [];
  if (key !== undefined && more.length === 0 && KEY.test(key)) return key;
  throw problem({
    status: 400,
    type: 'idempotency-key-required',
    title: 'No usable Idempotency-Key',
    detail: 'Send one Idempotency-Key header of 1 to 64 printable characters.',
  });
}

/**
 * Refuses a second request with a key while this process answers the first (409). Other processes' requests wait in the
 * database. Nothing is left behind when a request ends, however it ends.
 */
export function createInProgress() {
  const keys = new Set<string>();
  return async <Result>(payer: string, key: string, work: () => Promise<Result>): Promise<Result> => {
    const name = `${payer} ${key}`;
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
