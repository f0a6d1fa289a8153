/** Finds a Chromium for the stories, or brings one: no person has to install a browser. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '@behalf/scripts/system';
import { chromium } from '@playwright/test';

const SPARTICUZ = '@sparticuz/chromium';
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

/**
 * The path of a browser: `CHROME_PATH`, else an installed Chrome or Chromium, else Playwright's, else Debian's package (as
 * root), else the one in the npm package @sparticuz/chromium. Workers inherit the choice as `CHROME_PATH`. Throws when none
 * of these starts.
 */
export async function provideBrowser(): Promise<string> {
  const path = findBrowser() ?? installPlaywrights() ?? installDebians() ?? (await installSparticuz());
  process.env['CHROME_PATH'] = path;
  return path;
}

function findBrowser(): string | undefined {
  const given = process.env['CHROME_PATH'];
  const found = (given ? [given] : [...INSTALLED, chromium.executablePath()])
    .map(onPath)
    .find((path) => path !== undefined && starts(path));
  if (given && found === undefined) throw new Error('CHROME_PATH does not name a browser that starts');
  return found;
}

function installPlaywrights(): string | undefined {
  const cli = createRequire(import.meta.url).resolve('@playwright/test/cli');
  return install('Playwright’s', process.execPath, [cli, 'install', 'chromium']) ? findBrowser() : undefined;
}

function installDebians(): string | undefined {
  if (process.getuid?.() !== 0 || onPath('apt-get') === undefined) return undefined;
  const packages = ['chromium-headless-shell', 'fonts-liberation'];
  const options = ['-y', '-qq', '--no-install-recommends'];
  install('Debian’s list of packages', 'apt-get', ['update', '-qq']);
  return install('Debian’s', 'apt-get', ['install', ...options, ...packages]) ? findBrowser() : undefined;
}

/** Its libraries come with it, for a machine that has none. */
async function installSparticuz(): Promise<string> {
  const folder = join(ROOT, 'node_modules', '.cache', 'behalf-browser');
  mkdirSync(folder, { recursive: true });
  const options = ['--no-save', '--no-audit', '--no-fund', '--prefix', folder];
  if (install('npm’s', 'npm', ['install', ...options, `${SPARTICUZ}@${SPARTICUZ_VERSION}`])) {
    // Without this name for the environment it would not unpack its libraries.
    process.env['AWS_EXECUTION_ENV'] = 'AWS_Lambda_nodejs22.x';
    const entry = createRequire(join(folder, 'package.json')).resolve(SPARTICUZ);
    const module = (await import(pathToFileURL(entry).href)) as {
      default: { executablePath(): Promise<string> };
    };
    const path = await module.default.executablePath();
    if (starts(path)) return path;
    process.env['LD_LIBRARY_PATH'] = join(tmpdir(), 'al2023', 'lib');
    if (starts(path)) return path;
  }
  throw new Error('no browser starts on this machine: install Chrome, or set CHROME_PATH');
}

function install(name: string, program: string, parameters: readonly string[]): boolean {
  process.stdout.write(`There is no Chrome or Chromium on this machine. Trying ${name} …\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(program, parameters, { stdio: 'inherit', timeout: 300_000, env }).status === 0;
}

function onPath(candidate: string): string | undefined {
  if (isAbsolute(candidate)) return existsSync(candidate) ? candidate : undefined;
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, candidate))
    .find((path) => existsSync(path));
}

/** It starts far enough to tell its version: a stub or one without its libraries does not. */
function starts(path: string): boolean {
  if (process.platform === 'win32') return true;
  try {
    const version = execFileSync(path, ['--version', '--no-sandbox'], {
      encoding: 'utf8',
      timeout: 20_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return /chrom/i.test(version);
  } catch {
    return false;
  }
}
