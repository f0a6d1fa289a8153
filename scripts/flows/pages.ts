import { join } from 'node:path';
import { ROOT } from '../system/index.ts';
import { renderSteps } from './render.ts';
import { RUNS } from './runs.ts';
import { startRecordedSystem, stepsOf } from './world.ts';

export const FLOWS = join(ROOT, 'docs', 'flows');

/** Runs every flow on a system of its own and returns what happened, as Markdown, by the name of the page. */
export async function runFlows(): Promise<ReadonlyMap<string, string>> {
  const { system, recorder, addresses, close } = await startRecordedSystem();
  try {
    const pages = new Map<string, string>();
    for (const [name, run] of Object.entries(RUNS)) {
      pages.set(name, renderSteps(await stepsOf(run, system, recorder), addresses));
    }
    return pages;
  } finally {
    await close();
  }
}
