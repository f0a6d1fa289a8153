import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe } from 'vitest';
import type { Database, Engine, OpenDatabaseOptions } from '../../src/database.ts';
import { openDatabase } from '../../src/open.ts';

export { startTestServer, type TestServer } from './server.ts';

const PATIENCE = { waitTimeoutMs: 20_000, statementTimeoutMs: 20_000 };

export const ENGINES: readonly Engine[] = ['sqlite', 'postgres'];

/** One suite, run against both engines. */
export function describeEachEngine(name: string, suite: (engine: Engine) => void): void {
  for (const engine of ENGINES) describe(`${name} (${engine})`, () => suite(engine));
}

export interface TestLocation {
  /** For `openDatabase`; a second process or replica opens the same. */
  readonly options: Pick<OpenDatabaseOptions, 'url' | 'file' | 'schema'>;
  /** Removes the file or the schema. Close every connection first. */
  remove(): Promise<void>;
}

/** An empty place for one test's database: a file of its own, or a schema of its own on the test server. */
export function newTestLocation(engine: Engine): TestLocation {
  const schema = `test_${randomBytes(8).toString('hex')}`;
  if (engine === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'behalf-sqlite-'));
    return {
      options: { url: undefined, file: join(folder, 'test.db'), schema },
      remove: () => Promise.resolve(rmSync(folder, { recursive: true, force: true })),
    };
  }
  const url = testServerUrl();
  return { options: { url, file: '', schema }, remove: () => dropSchema(url, schema) };
}

export interface TestDatabase<Schema> extends Database<Schema> {
  /** Another connection pool or handle on the same database, as a second replica has it. Closed with this one. */
  reopen(): Promise<Database<Schema>>;
}

/** A migrated database of its own for one test, patient with a busy machine. `close()` removes it. */
export async function openTestDatabase<Schema>(
  engine: Engine,
  options: Pick<OpenDatabaseOptions, 'migrations'> & Partial<OpenDatabaseOptions>,
): Promise<TestDatabase<Schema>> {
  const location = newTestLocation(engine);
  const opened: Database<Schema>[] = [];
  const open = async () => {
    const database = await openDatabase<Schema>({ ...PATIENCE, ...options, ...location.options });
    opened.push(database);
    return database;
  };
  const first = await open();
  return {
    ...first,
    reopen: open,
    async close() {
      await Promise.all(opened.map((database) => database.close()));
      await location.remove();
    },
  };
}

/** The server that the global setup found or started. Throws without one: an engine is never skipped silently. */
export function testServerUrl(): string {
  const url = process.env['TEST_DATABASE_URL'];
  if (url === undefined || url === '') {
    throw new Error(
      "no test database: list '@behalf/database/testing-setup' as globalSetup in vitest.config.ts",
    );
  }
  return url;
}

export interface TestServerDatabase {
  readonly name: string;
  readonly url: string;
  /** Runs a statement on the server, with the rights of its owner. */
  administer(statement: string): Promise<void>;
  remove(): Promise<void>;
}

/** A database of its own on a test server, for whole services: they name their schemas themselves. */
export async function newTestServerDatabase(server: string = testServerUrl()): Promise<TestServerDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await execute(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    name,
    url: url.href,
    administer: (statement) => execute(server, statement),
    remove: () => execute(server, `drop database if exists ${name} with (force)`),
  };
}

function dropSchema(url: string, schema: string): Promise<void> {
  return execute(url, `drop schema if exists ${schema} cascade`);
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
