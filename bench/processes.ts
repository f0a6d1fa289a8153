/** Starts what is measured, each server in a process of its own: servers on one core, the load and PostgreSQL on another. */
import { execFileSync, spawn, spawnSync, type SpawnOptions } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');
/** Databases and logs, removed at the end. */
export const FOLDER = mkdtempSync(join(tmpdir(), 'behalf-bench-'));

export interface Server {
  readonly name: string;
  readonly port: number;
  /** From the start of the process until it answered. */
  readonly startMs: number;
  /** Resident memory; NaN where the system has no /proc, like the next one. */
  megabytes(): number;
  /** Of all its threads since its start. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly name: string;
  readonly port: number;
  /** Answers 200 as soon as the server can work. */
  readonly readyPath: string;
  /** For node: flags and the file. */
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly environment: Readonly<Record<string, string>>;
}

const [SERVER_CORE, LOAD_CORE] = cores();
const running = new Set<(signal?: NodeJS.Signals) => Promise<void>>();

/** How the processes are placed, in words for the report. */
export const PLACEMENT =
  LOAD_CORE === undefined
    ? 'not pinned (taskset and two cores are needed)'
    : `servers on core ${SERVER_CORE}, load and PostgreSQL on core ${LOAD_CORE}`;

if (LOAD_CORE !== undefined) execFileSync('taskset', ['-a', '-c', '-p', LOAD_CORE, String(process.pid)]);
process.once('exit', () => {
  for (const stop of running) void stop('SIGKILL');
  rmSync(FOLDER, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const firstPort = Number(process.env['FIRST_PORT'] ?? 6300);
let ports = 0;

/** Ports in sequence from `FIRST_PORT`, 6300 by default. */
export function nextPort(): number {
  return firstPort + ports++;
}

/** Resolves when the server answers. Throws with the end of its log when it does not. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { name, port, readyPath, command, cwd = import.meta.dirname, environment } = options;
  const startedAt = performance.now();
  const { child, log, stop } = start(name, [process.execPath, ...command], SERVER_CORE, {
    cwd,
    env: environment,
  });
  while (!(await isReady(`http://127.0.0.1:${port}${readyPath}`))) {
    if (child.exitCode !== null || performance.now() - startedAt > 60_000)
      throw new Error(`${name} did not start on port ${port}:\n${readFileSync(log, 'utf8').slice(-2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const startMs = performance.now() - startedAt;
  return {
    name,
    port,
    startMs,
    megabytes: () => residentMegabytes(child.pid),
    cpuSeconds: () => cpuSeconds(child.pid),
    stop,
  };
}

/** Asks every process to end and waits for it. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((stop) => stop()));
}

/** Starts a process beside the load. */
export function startBesideLoad(name: string, command: readonly string[], options: SpawnOptions) {
  return start(name, command, LOAD_CORE, options);
}

function start(name: string, command: readonly string[], core: string | undefined, options: SpawnOptions) {
  const log = join(FOLDER, `${name.replaceAll(/\W+/g, '-')}.log`);
  const output = openSync(log, 'a');
  const [file = '', ...parameters] = core === undefined ? command : ['taskset', '-c', core, ...command];
  const env = { PATH: process.env['PATH'], ...options.env };
  const child = spawn(file, parameters, { ...options, env, stdio: ['ignore', output, output] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal);
    await exited;
  };
  running.add(stop);
  void exited.then(() => running.delete(stop));
  return { child, log, stop };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).status < 500;
  } catch {
    return false;
  }
}

function residentMegabytes(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(processFile(pid, 'status'))?.[1]) / 1024;
}

/** User and system time, in hundredths of a second there. */
function cpuSeconds(pid: number | undefined): number {
  const [user, system] = processFile(pid, 'stat').split(') ')[1]?.split(' ').slice(11, 13) ?? [];
  return (Number(user) + Number(system)) / 100;
}

function processFile(pid: number | undefined, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

/** The first two cores that this process may use, where there are two and `taskset` (util-linux). */
function cores(): readonly (string | undefined)[] {
  const { stdout, status } = spawnSync('taskset', ['-c', '-p', String(process.pid)], { encoding: 'utf8' });
  const list = status === 0 ? (stdout.split(': ')[1]?.trim() ?? '') : '';
  const all = list.split(',').flatMap((range) => {
    const [first = NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 || 0 }, (_, index) => String(first + index));
  });
  return all.length < 2 ? [] : all;
}
