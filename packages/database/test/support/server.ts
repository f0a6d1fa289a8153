/**
 * A throw-away PostgreSQL server for tests, from whatever the machine has. It ends with the process that started it,
 * also when that is killed.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { findBinaries } from './binaries.ts';

const run = promisify(execFile);

export interface TestServer {
  readonly url: string;
  /** Breaks every connection at once, as a crash does; the data stays. */
  halt(): Promise<void>;
  /** Starts it again after `halt`, at the same address with the same data. */
  resume(): Promise<void>;
  /** Ends it and removes its data. */
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

/** Ends the server, whichever run of it, and removes its data when the watched process is gone. */
const WATCHDOG =
  'while kill -0 "$1" 2>/dev/null && [ -d "$2" ]; do sleep 1; done; ' +
  'kill -QUIT "$(head -n 1 "$2/data/postmaster.pid" 2>/dev/null)" 2>/dev/null; sleep 1; rm -rf "$2"';

/** Throws when there is none and none can be had. */
export async function startTestServer(): Promise<TestServer> {
  const account = process.getuid?.() === 0 ? await unprivilegedAccount() : undefined;
  const folder = mkdtempSync(join(tmpdir(), 'behalf-postgres-'));
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
  const binaries = await findBinaries(account && folder);
  const data = join(folder, 'data');
  // PostgreSQL looks at its working directory, and this account may not be allowed into ours.
  const options = { cwd: folder, env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' }, ...account };
  await run(
    join(binaries, 'initdb'),
    ['-D', data, '-U', 'behalf', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--no-instructions'],
    options,
  );
  const port = await freePort();
  const url = `postgres://behalf@127.0.0.1:${port}/postgres`;
  const start = async () => {
    const started = spawn(
      join(binaries, 'postgres'),
      ['-D', data, '-p', String(port), ...SETTINGS.flatMap((setting) => ['-c', setting])],
      { ...options, stdio: 'ignore' },
    );
    await answering(url, started);
    return started;
  };
  spawn('sh', ['-c', WATCHDOG, 'watchdog', String(process.pid), folder], {
    detached: true,
    stdio: 'ignore',
  }).unref();
  let server = await start();
  return {
    url,
    halt: () => end(server),
    async resume() {
      server = await start();
    },
    async stop() {
      await end(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGQUIT');
  await exited;
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
