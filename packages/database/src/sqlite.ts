import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  sql,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely';
import type { Database, OpenDatabaseOptions } from './database.ts';

const MAXIMUM_CACHED_STATEMENTS = 500;

const SQLITE_BUSY = 5;

export function openSqlite<Schema>(options: OpenDatabaseOptions): Database<Schema> {
  const waitTimeoutMs = options.waitTimeoutMs ?? 2000;
  const db = new Kysely<Schema>({
    dialect: new BusyRetrySqliteDialect(
      { database: async () => bridge(await openFile(options.file, waitTimeoutMs)) },
      waitTimeoutMs,
    ),
  });
  return {
    db,
    engine: 'sqlite',
    ping: async () => void (await sql`select 1`.execute(db)),
    exclusively: (_name, work) => db.transaction().execute(work),
    close: () => db.destroy(),
  };
}

/** WAL with a full sync: what was acknowledged survives a crash of the machine. Side files inherit the file's mode. */
async function openFile(file: string, waitTimeoutMs: number): Promise<DatabaseSync> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  // SQLite's own wait for a lock would stop the event loop; `whenFree` waits beside it.
  const handle = new DatabaseSync(file, { timeout: 0, enableForeignKeyConstraints: true });
  await whenFree(waitTimeoutMs, () => handle.exec('pragma journal_mode = wal'));
  handle.exec('pragma synchronous = full');
  return handle;
}

/** Runs a statement, again and again while another handle holds the lock. A statement that finds the file locked has done nothing. */
async function whenFree<Result>(
  waitTimeoutMs: number,
  statement: () => Result | Promise<Result>,
): Promise<Result> {
  const deadline = performance.now() + waitTimeoutMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 20)) {
    try {
      return await statement();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      await setTimeout(pauseMs);
    }
  }
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    (error.errcode & 0xff) === SQLITE_BUSY
  );
}

class BusyRetrySqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;
  readonly #waitTimeoutMs: number;

  constructor(config: SqliteDialectConfig, waitTimeoutMs: number) {
    super(config);
    this.#config = config;
    this.#waitTimeoutMs = waitTimeoutMs;
  }

  override createDriver(): Driver {
    return new PatientSqliteDriver(this.#config, this.#waitTimeoutMs);
  }
}

/**
 * Kysely's driver with two differences: it waits for a locked file without stopping the event loop, and transactions
 * start as writers, since one that reads first would fail at once when another process wrote before its own write.
 */
class PatientSqliteDriver extends SqliteDriver {
  readonly #waitTimeoutMs: number;

  constructor(config: SqliteDialectConfig, waitTimeoutMs: number) {
    super(config);
    this.#waitTimeoutMs = waitTimeoutMs;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection();
    return {
      executeQuery: (query) => whenFree(this.#waitTimeoutMs, () => connection.executeQuery(query)),
      streamQuery: (query, chunkSize) => connection.streamQuery(query, chunkSize),
    };
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
}

/** What Kysely's dialect asks of a driver, over node:sqlite, with prepared statements kept by their text. */
function bridge(handle: DatabaseSync): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>();
  return {
    close: () => handle.close(),
    prepare(text) {
      let statement = statements.get(text);
      if (statement === undefined) {
        if (statements.size >= MAXIMUM_CACHED_STATEMENTS) statements.clear();
        statement = adapt(handle.prepare(text));
        statements.set(text, statement);
      }
      return statement;
    },
  };
}

function adapt(statement: StatementSync): SqliteStatement {
  return {
    // A statement that yields columns is read; one that does not is run.
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}

function values(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters as SQLInputValue[];
}
