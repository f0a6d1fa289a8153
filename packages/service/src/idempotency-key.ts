import type { Request, RequestHandler } from 'express';
import { problem } from './problem.ts';

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
