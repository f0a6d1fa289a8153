/** `pnpm flows`: runs every flow for real and writes what went over the wire into docs/flows. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FLOWS, runFlows } from './flows/pages.ts';
import { withRun } from './flows/page.ts';

for (const [name, run] of await runFlows()) {
  const file = join(FLOWS, `${name}.md`);
  writeFileSync(file, withRun(readFileSync(file, 'utf8'), run));
  process.stdout.write(`docs/flows/${name}.md\n`);
}
