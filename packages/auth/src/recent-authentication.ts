/** Step-up (RFC 9470): an API wants a recent sign-in, and a middle tier before it passes that on to its own caller. */

import type { Check } from './guard.ts';
import { assertOptions, CLOCK_TOLERANCE_SECONDS, isObject } from './options.ts';
import { authProblem, type AuthProblem } from './refusal.ts';

/** The sign-in that an API asks for (RFC 9470 §3). */
interface WantedAuthentication {
  /** Its greatest age. */
  readonly maxAgeSeconds?: number | undefined;
  /** How it must be made, as the API wrote it. */
  readonly acrValues?: string | undefined;
}

/**
 * A sign-in that is at most so old. An older one, or none that is known, is 401 `insufficient_user_authentication` with
 * `max_age` (RFC 9470 §3). `now`, in epoch seconds, is the verifier's clock unless it is given.
 */
export function requireRecentAuthentication(options: {
  readonly maxAgeSeconds: number;
  readonly now?: () => number;
}): Check {
  const { maxAgeSeconds } = options;
  assertOptions('number', { maxAgeSeconds });
  if (options.now !== undefined) assertOptions('function', { now: options.now });
  return ({ authTime = Number.NaN }, { resourceMetadata, now }) => {
    const age = (options.now ?? now)() - authTime;
    if (age <= maxAgeSeconds && age >= -CLOCK_TOLERANCE_SECONDS) return undefined;
    return recentAuthenticationProblem({ maxAgeSeconds }, resourceMetadata);
  };
}

/** The next API wants another sign-in of the user. No other token of the same sign-in would do. */
export class RecentAuthenticationRequiredError extends Error implements WantedAuthentication {
  readonly maxAgeSeconds: number | undefined;
  readonly acrValues: string | undefined;

  constructor({ maxAgeSeconds, acrValues }: WantedAuthentication) {
    super('the next API wants a recent sign-in of the user');
    this.name = 'RecentAuthenticationRequiredError';
    this.maxAgeSeconds = maxAgeSeconds;
    this.acrValues = acrValues;
  }
}

/** The same answer in the name of the API whose metadata this is. */
export function recentAuthenticationProblem(
  { maxAgeSeconds, acrValues }: WantedAuthentication,
  resourceMetadata: string,
): AuthProblem {
  const detail =
    maxAgeSeconds === undefined
      ? 'This needs another sign-in.'
      : `This needs a sign-in that is at most ${maxAgeSeconds} seconds old.`;
  const members = {
    ...(maxAgeSeconds === undefined ? {} : { max_age: maxAgeSeconds }),
    ...(acrValues === undefined ? {} : { acr_values: acrValues }),
  };
  const parts = { maxAgeSeconds, acrValues, members };
  return authProblem('recent-authentication-required', detail, resourceMetadata, parts);
}

const PARAMETER = /([\w-]+)\s*=\s*(?:"([^"\\]*)"|([\w.+-]+))/g;

/** The sign-in that a 401 asks for in its challenge; undefined when it asks for none. */
export function wantedAuthenticationOf(answer: {
  readonly status: number;
  readonly headers?: unknown;
}): RecentAuthenticationRequiredError | undefined {
  if (answer.status !== 401) return undefined;
  const parameters = [...challengeOf(answer.headers).matchAll(PARAMETER)].map(
    ([, name = '', quoted, token]) => [name.toLowerCase(), quoted ?? token ?? ''] as const,
  );
  const isWanted = parameters.some(
    ([name, value]) => name === 'error' && value === 'insufficient_user_authentication',
  );
  if (!isWanted) return undefined;
  const { max_age: maxAge = '', acr_values: acrValues } = Object.fromEntries(parameters);
  const maxAgeSeconds = /^\d{1,9}$/.test(maxAge) ? Number(maxAge) : undefined;
  return new RecentAuthenticationRequiredError({ maxAgeSeconds, acrValues });
}

/** `WWW-Authenticate` of a fetch Response or of a record of headers with names in lower case. */
function challengeOf(headers: unknown): string {
  const value: unknown =
    headers instanceof Headers
      ? headers.get('www-authenticate')
      : isObject(headers)
        ? headers['www-authenticate']
        : undefined;
  return [value]
    .flat()
    .filter((line) => typeof line === 'string')
    .join(', ');
}
