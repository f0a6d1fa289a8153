import type { Kysely, Transaction } from 'kysely';

export type Engine = 'sqlite' | 'postgres';

/** One step of a schema. Once released it never changes; a later step corrects it. */
export interface Migration {
  /** Unique and in order, `001-what-it-does`. */
  readonly name: string;
  up(db: Kysely<unknown>): Promise<void>;
}

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
