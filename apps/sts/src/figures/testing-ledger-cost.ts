import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '@behalf/database';
import { delegated, issued } from '../../test/support/ledger.ts';
import { createTokenLedger } from '../state/ledger.ts';
import { migrations } from '../state/migrations.ts';
import type { StsSchema } from '../state/schema.ts';

const CALLS = 2_000;

const NOW = 1_800_000_000;

/** Time of the ledger's part in an exchange: is the subject token live, and the new token's row made durable. */
export async function measureLedger(databaseUrl: string | undefined): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'behalf-figures-'));
  const database = await openDatabase<StsSchema>({
    url: databaseUrl,
    file: join(folder, 'ledger.db'),
    schema: `figures_${process.pid}`,
    migrations,
  });
  const ledger = createTokenLedger({ db: database.db });
  await ledger.recordIssued(issued('root'));
  await ledger.recordIssued(delegated('hop', 'root'));

  const lines: string[] = [];
  for (const atOnce of [1, 16]) {
    let next = 0;
    const perCall = async (call: (index: number) => Promise<unknown>) => {
      const startedAt = performance.now();
      const end = next + CALLS;
      const worker = async () => {
        while (next < end) await call(next++);
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      return ((1000 * (performance.now() - startedAt)) / CALLS).toFixed(0);
    };
    const live = await perCall(() => ledger.statusOf('hop', NOW));
    const record = await perCall((index) => ledger.recordIssued(delegated(`${atOnce}-${index}`, 'root')));
    lines.push(`| ${atOnce} | ${live} | ${record} |`);
  }
  await database.close();
  rmSync(folder, { recursive: true, force: true });
  return `| at once | liveness, µs per exchange | record, µs per exchange |\n| --- | --- | --- |\n${lines.join('\n')}\n`;
}
