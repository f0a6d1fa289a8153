/** Finds a Chromium for the browser tests, or brings one: nobody has to install one by hand. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../system/index.ts';

export interface Browser {
  readonly executablePath: string;
  /** Needed beside the usual environment. */
  readonly environment: Readonly<Record<string, string>>;
}

const SPARTICUZ_VERSION = '153.0.0';

/** The shell without a window first: it renders the same, for 40 % less of the processor. */
const INSTALLED = [
  'chromium-headless-shell',
  'google-chrome',
  'google-chrome-stable',
  'chromium',
  'chromium-browser',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

/** `CHROME_PATH`, else an installed Chrome or Chromium, else the one that Playwright has downloaded before. */
export function findBrowser(): Browser | undefined {
  const given = process.env['CHROME_PATH'];
  const candidates = given ? [given] : [...INSTALLED, playwrightPath()];
  const path = candidates
    .map((candidate) => (candidate === undefined ? undefined : onPath(candidate)))
    .find((found) => found !== undefined && isUsable(found));
  return path === undefined ? undefined : { executablePath: path, environment: {} };
}

/**
 * As `findBrowser`, and when there is none: Playwright's download, else Debian's package (as root), else the one in
 * the npm package @sparticuz/chromium. Throws when none of these works.
 */
export async function provideBrowser(say: (text: string) => void): Promise<Browser> {
  const found = findBrowser();
  if (found !== undefined) return found;
  if (process.env['CHROME_PATH']) throw new Error('CHROME_PATH does not name a browser that starts');
  for (const [name, install] of Object.entries({
    "Playwright's": installPlaywrights,
    "Debian's": installDebians,
  })) {
    say(`There is no Chrome or Chromium on this machine. Trying ${name} …`);
    if (install()) {
      const installed = findBrowser();
      if (installed !== undefined) return installed;
    }
  }
  say('Trying @sparticuz/chromium from npm …');
  return installSparticuz();
}

function playwrightPath(): string | undefined {
  try {
    const { chromium } = fromE2e('@playwright/test') as { chromium: { executablePath(): string } };
    return chromium.executablePath();
  } catch {
    return undefined;
  }
}

function installPlaywrights(): boolean {
  const cli = createRequire(join(ROOT, 'e2e', 'package.json')).resolve('@playwright/test/cli');
  return run(process.execPath, [cli, 'install', 'chromium'], 180_000);
}

function installDebians(): boolean {
  if (process.getuid?.() !== 0 || onPath('apt-get') === undefined) return false;
  const environment = { DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-qq'], 120_000, environment);
  return run(
    'apt-get',
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium-headless-shell', 'fonts-liberation'],
    300_000,
    environment,
  );
}

/** Its libraries come with it; without this name for the environment it would not unpack them. */
async function installSparticuz(): Promise<Browser> {
  const folder = join(ROOT, 'node_modules', '.cache', 'behalf-browser');
  mkdirSync(folder, { recursive: true });
  const npm = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder];
  if (!run('npm', [...npm, `@sparticuz/chromium@${SPARTICUZ_VERSION}`], 180_000)) {
    throw new Error('no browser could be installed: install Chrome, or set CHROME_PATH');
  }
  process.env['AWS_EXECUTION_ENV'] = 'AWS_Lambda_nodejs22.x';
  const entry = createRequire(join(folder, 'package.json')).resolve('@sparticuz/chromium');
  const { default: chromium } = (await import(pathToFileURL(entry).href)) as {
    default: { executablePath(): Promise<string> };
  };
  const executablePath = await chromium.executablePath();
  const environment = { LD_LIBRARY_PATH: join(tmpdir(), 'al2023', 'lib') };
  // A machine with the libraries is better off with its own.
  if (isUsable(executablePath)) return { executablePath, environment: {} };
  if (isUsable(executablePath, environment)) return { executablePath, environment };
  throw new Error('no browser starts on this machine: install Chrome, or set CHROME_PATH');
}

function fromE2e(name: string): unknown {
  return createRequire(join(ROOT, 'e2e', 'package.json'))(name);
}

function onPath(candidate: string): string | undefined {
  if (isAbsolute(candidate)) return existsSync(candidate) ? candidate : undefined;
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, candidate))
    .find((path) => existsSync(path));
}

/** It starts far enough to tell its version: a stub or one without its libraries does not. */
function isUsable(path: string, environment: Readonly<Record<string, string>> = {}): boolean {
  if (process.platform === 'win32') return true;
  try {
    const answer = execFileSync(path, ['--version', '--no-sandbox'], {
      encoding: 'utf8',
      timeout: 20_000,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...environment },
    });
    return /chrom/i.test(answer);
  } catch {
    return false;
  }
}

function run(
  program: string,
  arguments_: readonly string[],
  timeout: number,
  environment: Readonly<Record<string, string>> = {},
): boolean {
  const { status } = spawnSync(program, arguments_, {
    stdio: 'inherit',
    timeout,
    env: { ...process.env, ...environment },
  });
  return status === 0;
}
