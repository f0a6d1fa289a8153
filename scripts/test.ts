/**
 * `pnpm test [options of turbo run]`: the tests of all packages, then the stories in a browser. A package that has not changed is
 * not tested again: turbo restores its report, and its tests count. The last line has the totals; the exit code is not 0 when
 * a test failed or none ran.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './system/service-process.ts';
import { describeTotals, outcomeOf, totalsOf } from './totals.ts';

const REPORTS = ['*/test-results/report.xml', '*/*/test-results/report.xml'];
const findReports = () => globSync(REPORTS, { cwd: ROOT }).map((file) => join(ROOT, file));

for (const report of findReports()) rmSync(report);
const isSuccess = [await runTurbo('test'), await runTurbo('e2e')].every((code) => code === 0);
const reports = findReports().map((file) => readFileSync(file, 'utf8'));
const totals = outcomeOf(totalsOf(reports), isSuccess);
process.stdout.write(`\n${describeTotals(totals)}\n`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;

async function runTurbo(task: string): Promise<number> {
  const turbo = join(ROOT, 'node_modules', 'turbo', 'bin', 'turbo');
  const options = ['--continue=always', '--output-logs=new-only', '--concurrency=2'];
  const child = spawn(process.execPath, [turbo, 'run', task, ...options, ...process.argv.slice(2)], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
  });
  let isStopped = false;
  const stop = (signal: NodeJS.Signals) => {
    isStopped = true;
    child.kill(signal);
  };
  process.once('SIGTERM', stop).once('SIGHUP', stop);
  const [code] = (await once(child, 'close')) as [number | null];
  if (isStopped) process.exit(1);
  return code ?? 1;
}
