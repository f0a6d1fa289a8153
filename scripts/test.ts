/**
 * `pnpm test [part of a file name …] [-t title]`: the tests of all packages, then the browser tests of the composed system. The
 * last line has the totals; the exit code is not 0 when one failed or none ran.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { ROOT } from './system/index.ts';
import { provideBrowser } from './test/browser.ts';
import { addTotals, describeTotals, outcomeOf, playwrightTotals, vitestTotals } from './test/totals.ts';

const { values, positionals } = parseArgs({
  options: { title: { type: 'string', short: 't' } },
  allowPositionals: true,
});
const reports = mkdtempSync(join(tmpdir(), 'behalf-test-'));
const say = (text: string) => void process.stdout.write(`${text}\n`);

const unit = await runVitest();
const browser = await runPlaywright();
rmSync(reports, { recursive: true, force: true });

const totals = addTotals([unit, browser]);
say(`\n${describeTotals(totals)}`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;

async function runVitest() {
  const report = join(reports, 'vitest.json');
  const exitCode = await run(binOf(ROOT, 'vitest', 'vitest.mjs'), [
    'run',
    '--passWithNoTests',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...(values.title === undefined ? [] : ['-t', values.title]),
    ...positionals,
  ]);
  return outcomeOf(vitestTotals(report), exitCode);
}

async function runPlaywright() {
  const none = { passed: 0, failed: 0, skipped: 0 };
  if (!hasStories()) return none;
  try {
    const { executablePath, environment } = await provideBrowser(say);
    const report = join(reports, 'playwright.json');
    const exitCode = await run(
      binOf(join(ROOT, 'e2e'), '@playwright/test', 'cli.js'),
      [
        'test',
        '--pass-with-no-tests',
        '--reporter=list,json',
        ...(values.title === undefined ? [] : ['-g', values.title]),
        ...positionals,
      ],
      {
        cwd: join(ROOT, 'e2e'),
        environment: { ...environment, CHROME_PATH: executablePath, PLAYWRIGHT_JSON_OUTPUT_NAME: report },
      },
    );
    return outcomeOf(playwrightTotals(report), exitCode);
  } catch (error) {
    say(`The browser tests could not run: ${error instanceof Error ? error.message : String(error)}`);
    return { ...none, failed: 1 };
  }
}

/** Whether a browser is needed at all for what was asked. */
function hasStories(): boolean {
  const stories = readdirSync(join(ROOT, 'e2e', 'stories')).map((name) => `e2e/stories/${name}`);
  return positionals.length === 0 || positionals.some((part) => stories.some((file) => file.includes(part)));
}

interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

async function run(
  program: string,
  arguments_: readonly string[],
  { cwd = ROOT, environment = {} }: RunOptions = {},
): Promise<number> {
  const child = spawn(process.execPath, [program, ...arguments_], {
    cwd,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  const ended = Promise.withResolvers<number>();
  child.once('error', ended.reject);
  child.once('close', (code) => ended.resolve(code ?? 1));
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  process.once('SIGTERM', forward).once('SIGHUP', forward);
  const code = await ended.promise;
  process.off('SIGTERM', forward).off('SIGHUP', forward);
  return code;
}

function binOf(folder: string, name: string, file: string): string {
  return join(dirname(createRequire(join(folder, 'package.json')).resolve(`${name}/package.json`)), file);
}
