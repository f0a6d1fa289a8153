import * as z from 'zod/mini';
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

/** What came of a call, as the API gave it. */
export const callSchema = z.object({
  status: z.number(),
  challenge: z.nullable(z.string()),
  problem: z.unknown(),
});

/** What an exchange that ought to be refused has come to. */
export const refusedSchema = z.object({ refused: refusalSchema });

type Refused = z.infer<typeof refusedSchema>;

export function observeRefused(what: string, { refused }: Refused): Observation {
  if (refused === null)
    return { what, status: 200, detail: 'A token was issued, which should never happen.' };
  const { status, error, description } = refused;
  return { what, status: status ?? 'no answer', error: error ?? undefined, detail: description ?? undefined };
}

const problemSchema = z.looseObject({ title: z.optional(z.string()), detail: z.optional(z.string()) });

export function observeCall(
  what: string,
  { status, challenge, problem }: z.infer<typeof callSchema>,
): Observation {
  const told = problemSchema.safeParse(problem);
  return {
    what,
    status,
    challenge: challenge ?? undefined,
    detail: told.success ? (told.data.detail ?? told.data.title) : undefined,
  };
}
