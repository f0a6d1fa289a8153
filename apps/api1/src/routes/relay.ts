import { reportSteps } from '@behalf/service';
import type { Response } from 'express';
import type { Api2Answer } from '../clients/api2.ts';

/** Headers that our caller can use, and what they may look like. A `Location` is a path, which is one of ours too. */
const HEADERS = {
  Location: /^\/[\w-][\w/-]*$/,
  'Idempotency-Replayed': /^true$/,
  'Retry-After': /^\d{1,4}$/,
} as const;

/** Answers as API2 did: status, body, and the headers that our caller can use. */
export function relay(response: Response, { status, headers, json }: Api2Answer): void {
  for (const [name, form] of Object.entries(HEADERS)) {
    const value = headers.get(name);
    if (value !== null && form.test(value)) response.set(name, value);
  }
  response
    .status(status)
    .type(status < 400 ? 'application/json' : 'application/problem+json')
    .send(JSON.stringify(json));
}

/** For routes whose answers tell the client, step by step, what happened: mounted before everything else of the route. */
export const reportedToBrowser = reportSteps({
  service: 'api1',
  caller: 'browser',
  claimsOf: (request) => request.auth?.claims,
});
