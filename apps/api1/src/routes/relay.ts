import type { UpstreamAnswer } from '@behalf/service';
import type { Response } from 'express';

/** The headers that a caller can use, and their form. A `Location` is a path, which exists here too. */
const HEADERS = [
  ['Location', 'location', /^\/[\w-][\w/-]*$/],
  ['Idempotency-Replayed', 'idempotency-replayed', /^true$/],
  ['Retry-After', 'retry-after', /^\d{1,4}$/],
] as const;

/** Answers as API2 did: status, body, and the headers that a caller can use. */
export function relay(response: Response, { status, headers, body }: UpstreamAnswer): void {
  for (const [name, field, form] of HEADERS) {
    const value = headers[field];
    if (typeof value === 'string' && form.test(value)) response.setHeader(name, value);
  }
  response.setHeader(
    'Content-Type',
    status < 400 ? 'application/json; charset=utf-8' : 'application/problem+json; charset=utf-8',
  );
  response.status(status).send(body);
}
