import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  sql,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Database, OpenDatabaseOptions } from './database.ts';

const MAXIMUM_CACHED_STATEMENTS = 500;

const SQLITE_BUSY = 5;

export function openSqlite<Schema>({ file, waitTimeoutMs = 2000 }: OpenDatabaseOptions): Database<Schema> {
  const dialect: Dialect = {
    createDriver: () => createDriver(file, waitTimeoutMs),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
  const db = new Kysely<Schema>({ dialect });
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
  // 16 MiB each: fewer reads of index pages, and fewer checkpoints, which write to the file itself.
  handle.exec('pragma cache_size = -16384');
  handle.exec('pragma wal_autocheckpoint = 4096');
  return handle;
}

/** Runs a statement again while another handle has the lock. A statement that finds the file locked has done nothing. */
async function whenFree<Result>(waitTimeoutMs: number, statement: () => Result): Promise<Result> {
  const deadline = performance.now() + waitTimeoutMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 20)) {
    try {
      return statement();
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

/**
 * One connection, as Kysely's own SQLite driver has, with three differences: prepared statements are kept by their text, a
 * locked file is waited for without stopping the event loop, and transactions start as writers, because one that reads
 * first fails at once when another process has written before its own write.
 */
function createDriver(file: string, waitTimeoutMs: number): Driver {
  let handle: DatabaseSync | undefined;
  let connection: DatabaseConnection;
  const command = (text: string) => async (): Promise<void> => {
    await whenFree(waitTimeoutMs, () => handle?.exec(text));
  };
  return {
    async init() {
      handle = await openFile(file, waitTimeoutMs);
      connection = connectTo(handle, waitTimeoutMs);
    },
    acquireConnection: () => Promise.resolve(connection),
    beginTransaction: command('begin immediate'),
    commitTransaction: command('commit'),
    rollbackTransaction: command('rollback'),
    releaseConnection: () => Promise.resolve(),
    async destroy() {
      handle?.close();
    },
  };
}

function connectTo(handle: DatabaseSync, waitTimeoutMs: number): DatabaseConnection {
  const statements = new Map<string, { readonly statement: StatementSync; readonly isRead: boolean }>();

  function prepared(text: string) {
    const kept = statements.get(text);
    if (kept !== undefined) return kept;
    if (statements.size >= MAXIMUM_CACHED_STATEMENTS) statements.clear();
    const statement = handle.prepare(text);
    // A statement that yields columns is read; one that does not is run.
    const entry = { statement, isRead: statement.columns().length > 0 };
    statements.set(text, entry);
    return entry;
  }

  function run<Row>({ sql: text, parameters }: CompiledQuery): QueryResult<Row> {
    const { statement, isRead } = prepared(text);
    const values = parameters as SQLInputValue[];
    if (isRead) return { rows: statement.all(...values) as Row[] };
    const { changes, lastInsertRowid } = statement.run(...values);
    return { insertId: BigInt(lastInsertRowid), numAffectedRows: BigInt(changes), rows: [] };
  }

  return {
    executeQuery: (query) => whenFree(waitTimeoutMs, () => run(query)),
    streamQuery: () => {
      throw new Error('queries are not streamed from SQLite');
    },
  };
}
