/** One service as a process: how it is started, asked to stop, and ended. */
import { execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { ServiceName } from '@behalf/service/services';

export const ROOT = join(import.meta.dirname, '..', '..');

const WEB = join(ROOT, 'apps', 'web');
const END_WITH_PARENT = pathToFileURL(join(import.meta.dirname, 'end-with-parent.ts')).href;
const DEFAULT_GRACE_MS = 12_000;

/**
 * Settings that keep a service small, at no cost in speed that could be measured: sources stay compiled and type-stripped
 * between starts, which also halves the time of a start; a small young generation; a heap with a limit, which makes V8
 * collect instead of growing (25 MB of it are in use); and one arena for memory outside the heap (glibc).
 */
const SMALL = {
  NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'node-compile'),
  MALLOC_ARENA_MAX: '1',
};
const SERVICE_COMMAND = [
  '--max-semi-space-size=4',
  '--max-old-space-size=256',
  '--import',
  '@behalf/service/telemetry',
  'src/main.ts',
];

export interface ServiceExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether it ended because `stop` or `kill` was called. */
  readonly wanted: boolean;
}

export interface ServiceProcess {
  readonly pid: number | undefined;
  /** Resolves when the process has ended and its output is complete. Never rejects. */
  readonly exited: Promise<ServiceExit>;
  /** Asks it to stop, and kills it with all that it started after `graceMs`. Resolves when it has ended. */
  stop(graceMs?: number): Promise<ServiceExit>;
  /** Ends it at once, as a power cut would. */
  kill(): Promise<ServiceExit>;
}

export interface StartServiceOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** Serve the web client as it was built (`WEB_ROOT` in the environment) instead of starting Vite's development server. */
  readonly builtWeb: boolean;
  /** Every line that it writes, on either stream. */
  readonly onLine: (line: string) => void;
}

/** Starts a service in its folder and in a process group of its own. It ends when this process does. */
export function startService(
  name: ServiceName,
  { environment, builtWeb, onLine }: StartServiceOptions,
): ServiceProcess {
  const webCommand = builtWeb ? ['server/main.ts'] : [viteCommand(), '--clearScreen', 'false'];
  const child = spawn(
    process.execPath,
    ['--import', END_WITH_PARENT, ...(name === 'web' ? webCommand : SERVICE_COMMAND)],
    {
      cwd: join(ROOT, 'apps', name),
      env: { ...SMALL, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: process.platform !== 'win32',
    },
  );
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', onLine);
  }
  let wanted = false;
  const ended = Promise.withResolvers<ServiceExit>();
  child.once('error', (error) => {
    onLine(`cannot be started: ${error.message}`);
    ended.resolve({ code: 1, signal: null, wanted });
  });
  child.once('close', (code, signal) => ended.resolve({ code, signal, wanted }));

  const killGroup = () => {
    try {
      if (child.pid === undefined || process.platform === 'win32') child.kill('SIGKILL');
      else process.kill(-child.pid, 'SIGKILL');
    } catch {
      // The group is gone already.
    }
  };
  return {
    pid: child.pid,
    exited: ended.promise,
    async stop(graceMs = DEFAULT_GRACE_MS) {
      wanted = true;
      child.kill('SIGTERM');
      const timer = setTimeout(killGroup, graceMs);
      return ended.promise.finally(() => clearTimeout(timer));
    },
    async kill() {
      wanted = true;
      killGroup();
      return ended.promise;
    },
  };
}

/** Builds the web client into a folder. Throws with Vite's output when it cannot be built. */
export function buildWeb(folder: string): void {
  execFileSync(process.execPath, [viteCommand(), 'build', '--outDir', folder, '--emptyOutDir'], {
    cwd: WEB,
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: 'pipe',
  });
}

function viteCommand(): string {
  const manifest = createRequire(join(WEB, 'package.json')).resolve('vite/package.json');
  return join(dirname(manifest), 'bin', 'vite.js');
}
