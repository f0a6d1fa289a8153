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
  /** False: nothing is applied, and a schema that lacks something is an `OutdatedSchemaError`. Default true. */
  readonly migrate?: boolean;
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

/** SQLite's primary result codes: BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN. */
const SQLITE_OUTAGES = new Set([5, 6, 8, 10, 13, 14]);

const NETWORK_OUTAGES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/**
 * SQLSTATEs of a server that cannot serve now: connection exceptions (08), insufficient resources (53), operator
 * intervention (57: shutdown, starting up, cancelled by time-out), and single codes: read-only, lock not available,
 * idle transaction ended, serialization failure and deadlock.
 */
const POSTGRES_OUTAGE = /^(08...|53...|57...|25006|25P03|55P03|40001|40P01)$/;

/** pg reports these without a code. */
const MESSAGES = [
  'timeout exceeded when trying to connect',
  'Connection terminated',
  'Query read timeout',
  'Client has encountered a connection error and is not queryable',
];

/** Thrown by our own code when more work waits for the database than can be answered in time. */
export class OverloadedError extends Error {}

/**
 * Whether an error means that the database cannot be reached or cannot write just now, so that the same request may
 * well succeed later: the caller answers 503 with `Retry-After`. Anything else is a bug and answers 500.
 */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof OverloadedError) return true;
  const { code, errcode, syscall } = error as Error & {
    code?: unknown;
    errcode?: unknown;
    syscall?: unknown;
  };
  // The socket file of a server that has stopped.
  if (code === 'ENOENT') return syscall === 'connect';
  if (code === 'ERR_SQLITE_ERROR') return typeof errcode === 'number' && SQLITE_OUTAGES.has(errcode & 0xff);
  if (typeof code === 'string' && (NETWORK_OUTAGES.has(code) || POSTGRES_OUTAGE.test(code))) return true;
  if (MESSAGES.some((message) => error.message.startsWith(message))) return true;
  if (error instanceof AggregateError && error.errors.some(isUnavailable)) return true;
  return error.cause !== undefined && isUnavailable(error.cause);
}
