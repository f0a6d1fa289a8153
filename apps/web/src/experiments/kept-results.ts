import * as z from 'zod/mini';
import { stepsSchema } from '../api/steps.ts';
import type { ExperimentResult } from './experiment.ts';

const observationSchema = z.object({
  what: z.string(),
  status: z.union([z.number(), z.enum(['blocked by the browser', 'no answer'])]),
  error: z.optional(z.string()),
  challenge: z.optional(z.string()),
  detail: z.optional(z.string()),
  original: z.optional(z.string()),
});

const resultSchema = z.object({
  asPredicted: z.boolean(),
  observations: z.array(observationSchema),
  steps: z.optional(stepsSchema),
  command: z.optional(z.string()),
});

const resultsSchema = z.record(z.string(), resultSchema);

/** The results on the page by the experiment's name. */
export type Results = Readonly<Record<string, ExperimentResult>>;

/** Results as they were kept over a sign-in that leaves the page; none when they are in another form. No token is in them. */
export function readResults(kept: unknown): Results {
  const parsed = resultsSchema.safeParse(kept);
  return parsed.success ? (parsed.data as Results) : {};
}
