import { type Kysely, type Transaction } from 'kysely';
import { migrate, type Migration } from './migrate.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

export type Engine = 'sqlite' | 'postgres';

export interface OpenDatabaseOptions {
  /** `postgres://…` chooses PostgreSQL; undefined chooses the SQLite file. */
  readonly url?: string | undefined;
  /** SQLite: path of the file. Missing folders are made (0700), and so is the file (0600). */
  readonly file: string;
  /** PostgreSQL: the service's own schema, created when missing. Lower-case letters, digits and underscores. */
  readonly schema: string;
  /** In order. What the database has not seen yet is applied before this resolves. */
  readonly migrations: readonly Migration[];
  /** PostgreSQL: connections of this process at most. Default 10. */
  readonly maximumConnections?: number;
  /** PostgreSQL: a statement that runs longer is cancelled. Default 5000. */
  readonly statementTimeoutMs?: number;
  /** PostgreSQL: how long to wait for a connection. SQLite: for another process's write. Default 2000. */
  readonly waitTimeoutMs?: number;
  /** Told of a connection that broke while no statement was running on it. Default: nobody; the next statement reconnects. */
  readonly onConnectionError?: (error: Error) => void;
}

export interface Database<Schema> {
  readonly db: Kysely<Schema>;
  readonly engine: Engine;
  /** Resolves when the database answers; else throws what `isUnavailable` recognises. */
  ping(): Promise<void>;
  /**
   * One transaction during which no other process of this service is inside a section of the same name (PostgreSQL: an
   * advisory lock, released with the transaction; SQLite: any writing transaction excludes all others).
   */
  exclusively<Result>(
    name: string,
    work: (transaction: Transaction<Schema>) => Promise<Result>,
  ): Promise<Result>;
  close(): Promise<void>;
}

/**
 * Opens the database and brings its schema up to date, forward only. Several processes may do so at once.
 * Throws `NewerSchemaError` when the database was written by a newer version of the service.
 */
export async function openDatabase<Schema>(options: OpenDatabaseOptions): Promise<Database<Schema>> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(options.schema))
    throw new Error(`"${options.schema}" is no name for a schema`);
  const database =
    options.url === undefined ? openSqlite<Schema>(options) : openPostgres<Schema>(options, options.url);
  try {
    await migrate(database, options);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}
