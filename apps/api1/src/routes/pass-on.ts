import type { Response } from 'express';
import type { Api2Answer } from '../clients/api2.ts';

const HEADERS = ['Location', 'Idempotency-Replayed', 'Retry-After'] as const;

/** Answers as API2 did: status, body, and the headers that our caller can use. */
export function passOn(response: Response, { status, headers, json }: Api2Answer): void {
  for (const name of HEADERS) {
    const value = headers.get(name);
    if (value !== null) response.set(name, value);
  }
  response
    .status(status)
    .type(status < 400 ? 'application/json' : 'application/problem+json')
    .send(JSON.stringify(json));
}
