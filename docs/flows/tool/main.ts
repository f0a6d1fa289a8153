/** `pnpm flows`: runs every flow for real and writes the requests and answers into docs/flows. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withRun } from './page.ts';
import { FLOWS, runFlows } from './world.ts';

for (const [name, run] of await runFlows()) {
  const file = join(FLOWS, `${name}.md`);
  writeFileSync(file, withRun(readFileSync(file, 'utf8'), run));
  process.stdout.write(`docs/flows/${name}.md\n`);
}
