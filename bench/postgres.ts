/** A PostgreSQL server of its own from the binaries of the machine, with its defaults: every commit is synced to disk. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDER, nextPort, startBesideLoad } from './processes.ts';

export interface Postgres {
  /** Creates a database and returns its URL. */
  createDatabase(name: string): string;
  /** Runs statements and returns the rows as text, columns separated by `|`. */
  query(database: string, sql: string): string;
}

/** Undefined, with the reason printed, where it cannot be started. */
export async function startPostgres(): Promise<Postgres | undefined> {
  try {
    return await start();
  } catch (error) {
    console.error(`without PostgreSQL: ${(error as Error).message}`);
    return undefined;
  }
}

async function start(): Promise<Postgres> {
  const output = (file: string, ...parameters: string[]) =>
    execFileSync(file, parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  const binaries = output('pg_config', '--bindir');
  const folder = join(FOLDER, 'postgres');
  const data = join(folder, 'data');
  mkdirSync(folder);
  // PostgreSQL refuses to run as root.
  const isRoot = process.getuid?.() === 0;
  const account = isRoot
    ? { uid: Number(output('id', '-u', 'postgres')), gid: Number(output('id', '-g', 'postgres')) }
    : {};
  if (account.uid !== undefined) {
    chmodSync(FOLDER, 0o755);
    chownSync(folder, account.uid, account.gid);
  }
  const options = { cwd: folder, env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' }, ...account };
  const superuser = ['-U', 'behalf', '-A', 'trust', '-E', 'UTF8', '--no-instructions'];
  execFileSync(join(binaries, 'initdb'), ['-D', data, ...superuser], { ...options, stdio: 'pipe' });
  const port = nextPort();
  const settings = ['unix_socket_directories=', 'shared_preload_libraries=pg_stat_statements'];
  const command = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  startBesideLoad('postgres', [join(binaries, 'postgres'), ...command], options);
  const at = ['-h', '127.0.0.1', '-p', String(port), '-U', 'behalf'];
  for (let attempt = 0; ; attempt++) {
    try {
      output(join(binaries, 'pg_isready'), ...at);
      break;
    } catch (error) {
      if (attempt > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  const query = (database: string, sql: string) =>
    output(join(binaries, 'psql'), ...at, '-d', database, '-q', '-A', '-t', '-c', sql);
  return {
    query,
    createDatabase(name) {
      query('postgres', `CREATE DATABASE ${name}`);
      query(name, 'CREATE EXTENSION pg_stat_statements SCHEMA public');
      return `postgres://behalf@127.0.0.1:${port}/${name}`;
    },
  };
}
