import * as z from 'zod/mini';
import { problemSchema } from '../api/api-error.ts';
import { problemText } from '../text/fault-text.ts';
import type { Observation } from './experiment.ts';

/** A refusal as the token service gave it (docs/decisions/003); null when it was granted. */
const refusalSchema = z.nullable(
  z.object({
    status: z.nullable(z.number()),
    error: z.nullable(z.string()),
    reason: z.nullable(z.string()),
    description: z.nullable(z.string()),
  }),
);

/** The result of a call, as API1 reports it. */
export const callSchema = z.object({
  status: z.number(),
  challenge: z.nullable(z.string()),
  problem: z.unknown(),
});

/** The result of an exchange that ought to be refused. */
export const refusedSchema = z.object({ refused: refusalSchema });

type Refused = z.infer<typeof refusedSchema>;

export function observeRefused(what: string, { refused }: Refused): Observation {
  if (refused === null)
    return { what, status: 200, detail: 'A token was issued, which should never happen.' };
  const { status, error, description } = refused;
  return {
    what,
    status: status ?? 'no answer',
    error: error ?? undefined,
    detail: BY_ERROR[error ?? ''],
    original: description ?? undefined,
  };
}

/** By error code (RFC 6749 §5.2, RFC 8693 §2.2.2). */
const BY_ERROR: Readonly<Record<string, string>> = {
  invalid_scope: 'A scope lies outside what the policy allows.',
  invalid_grant: 'This service may not exchange the token that it presented.',
  invalid_request: 'A token of the request is not one that may be used in this way.',
  invalid_target: 'No rule of the policy leads to that service.',
};

export function observeCall(
  what: string,
  { status, challenge, problem }: z.infer<typeof callSchema>,
): Observation {
  const { data = {} } = problemSchema.safeParse(problem);
  const refusal = status === 401 ? 'The token was not accepted.' : problemText(status, data);
  return {
    what,
    status,
    challenge: challenge ?? undefined,
    detail: status < 400 ? undefined : refusal,
    original: data.detail ?? data.title,
  };
}
