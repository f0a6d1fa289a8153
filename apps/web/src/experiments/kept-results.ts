import * as z from 'zod/mini';
import { stepsSchema } from '../api/steps.ts';
import type { ExperimentResult } from './experiment.ts';

const observationSchema = z.object({
  what: z.string(),
  status: z.union([z.number(), z.enum(['blocked by the browser', 'no answer'])]),
  error: z.optional(z.string()),
  challenge: z.optional(z.string()),
  detail: z.optional(z.string()),
});

const resultSchema = z.object({
  asPredicted: z.boolean(),
  observations: z.array(observationSchema),
  steps: z.optional(stepsSchema),
  command: z.optional(z.string()),
});

const keptSchema = z.object({ subject: z.string(), results: z.record(z.string(), resultSchema) });

/** The results on the page by the experiment's name. */
export type Results = Readonly<Record<string, ExperimentResult>>;

const KEY = 'behalf.experiments';

/** Keeps what was found over one sign-in that leaves the page, for this tab and this user only. No token is in it. */
export function keepResults(storage: Storage, subject: string, results: Results): void {
  storage.setItem(KEY, JSON.stringify({ subject, results }));
}

/** What was kept for this user; nothing for anybody else. */
export function keptResults(storage: Storage, subject: string): Results {
  try {
    const parsed = keptSchema.safeParse(JSON.parse(storage.getItem(KEY) ?? 'null'));
    if (!parsed.success || parsed.data.subject !== subject) return {};
    return parsed.data.results as Results;
  } catch {
    return {};
  }
}

export function forgetResults(storage: Storage): void {
  storage.removeItem(KEY);
}
