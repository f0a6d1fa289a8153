import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { PartName } from './addresses.ts';

export const ROOT = join(import.meta.dirname, '..', '..');

export interface PartExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface PartProcess {
  readonly pid: number | undefined;
  /** Resolves when the process has ended and its output is complete. Never rejects. */
  readonly exited: Promise<PartExit>;
  /** Asks it to stop, and kills it with all it started after `graceMs`. Resolves when it has ended. */
  stop(graceMs?: number): Promise<PartExit>;
  /** Ends it at once. */
  kill(): void;
}

export interface StartPartOptions {
  /** The web client as built (`WEB_ROOT` in the environment) instead of Vite's development server. */
  readonly builtWeb?: boolean;
  readonly environment: Readonly<Record<string, string>>;
  /** Every line that it writes, on either stream. */
  readonly onLine: (line: string) => void;
}

/**
 * What keeps a service small, at no cost in speed that could be measured: sources are kept compiled and type-stripped
 * between starts, which also halves the time of a start; a small young generation; a heap with a limit, which makes V8
 * collect instead of growing (25 MB of it are in use); and one arena for what is allocated outside the heap (glibc).
 */
const COMPILE_CACHE = join(ROOT, 'node_modules', '.cache', 'node-compile');
const SERVICE_FLAGS = [
  '--max-semi-space-size=4',
  '--max-old-space-size=256',
  '--import',
  '@behalf/service/telemetry',
];
const SMALL_FOOTPRINT = { NODE_COMPILE_CACHE: COMPILE_CACHE, MALLOC_ARENA_MAX: '1' };

const DEFAULT_GRACE_MS = 12_000;

/** Starts one part, in its folder and in a process group of its own; it ends when this process does. */
export function startPart(name: PartName, options: StartPartOptions): PartProcess {
  const { environment, onLine, builtWeb = false } = options;
  /** Vite's development server and its builds take what they need. */
  const flags = name === 'web' ? [] : SERVICE_FLAGS;
  const watchdog = pathToFileURL(join(import.meta.dirname, 'end-with-parent.ts')).href;
  const child = spawn(process.execPath, [...flags, '--import', watchdog, ...command(name, builtWeb)], {
    cwd: join(ROOT, 'apps', name),
    env: { ...SMALL_FOOTPRINT, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: process.platform !== 'win32',
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', onLine);
  }
  const ended = Promise.withResolvers<PartExit>();
  child.once('error', (error) => {
    onLine(`cannot be started: ${error.message}`);
    ended.resolve({ code: 1, signal: null });
  });
  child.once('close', (code, signal) => ended.resolve({ code, signal }));
  return {
    pid: child.pid,
    exited: ended.promise,
    stop: (graceMs = DEFAULT_GRACE_MS) => stop(child, ended.promise, graceMs),
    kill: () => killGroup(child),
  };
}

async function stop(child: ChildProcess, exited: Promise<PartExit>, graceMs: number): Promise<PartExit> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  const timer = setTimeout(() => killGroup(child), graceMs);
  const exit = await exited;
  clearTimeout(timer);
  return exit;
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || process.platform === 'win32') {
    child.kill('SIGKILL');
    return;
  }
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

function command(name: PartName, builtWeb: boolean): readonly string[] {
  if (name !== 'web') return ['src/main.ts'];
  return builtWeb ? ['server/main.ts'] : [viteCommand(), '--clearScreen', 'false'];
}

function viteCommand(): string {
  const manifest = createRequire(join(ROOT, 'apps', 'web', 'package.json')).resolve('vite/package.json');
  return join(dirname(manifest), 'bin', 'vite.js');
}

/** Builds the web client into a folder. Throws with Vite's output when it cannot be built. */
export function buildWeb(folder: string): void {
  execFileSync(process.execPath, [viteCommand(), 'build', '--outDir', folder, '--emptyOutDir'], {
    cwd: join(ROOT, 'apps', 'web'),
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: 'pipe',
  });
}
