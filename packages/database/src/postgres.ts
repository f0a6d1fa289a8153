import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import type { Database, OpenDatabaseOptions } from './database.ts';
import { statementNames } from './statement.ts';

export function openPostgres<Schema>(options: OpenDatabaseOptions, url: string): Database<Schema> {
  const statementTimeoutMs = options.statementTimeoutMs ?? 5000;
  const pool = new pg.Pool({
    connectionString: url,
    // A compiled statement keeps one plan, because planning a large one takes ten times as long as running it. Every join follows an
    // index from a few rows; before the first ANALYZE the planner would read whole tables instead.
    options: `-c search_path=${options.schema} -c plan_cache_mode=force_generic_plan -c enable_hashjoin=off -c enable_mergejoin=off`,
    max: options.maximumConnections ?? 10,
    connectionTimeoutMillis: options.waitTimeoutMs ?? 2000,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: 2 * statementTimeoutMs,
    // A server that went away without a word would otherwise hold the statement for minutes.
    keepAlive: true,
    types: {
      getTypeParser: ((oid: number, format?: 'text') =>
        typeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  });
  // Without listeners a connection that breaks would end the process: idle ones report to the pool, busy ones to themselves.
  const report = options.onConnectionError ?? (() => undefined);
  pool.on('error', report);
  pool.on('connect', (client) => {
    client.on('error', report);
    nameStatements(client);
  });

  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    engine: 'postgres',
    ping: async () => void (await sql`select 1`.execute(db)),
    exclusively: (name, work) =>
      db.transaction().execute(async (transaction) => {
        await sql`select pg_advisory_xact_lock(hashtextextended(${`${options.schema} ${name}`}, 0))`.execute(
          transaction,
        );
        return work(transaction);
      }),
    close: () => db.destroy(),
  };
}

/**
 * Up to four tables and views, as `schema.name`, that are in none of the schemas: those of another project. What an extension
 * brought is nobody's. Writes nothing. Throws when the server does not answer.
 */
export async function tablesOutside(url: string, schemas: readonly string[]): Promise<readonly string[]> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ name: string }>(
      `select format('%s.%s', nspname, relname) as name
       from pg_class join pg_namespace on pg_namespace.oid = relnamespace
       where relkind in ('r', 'p', 'v', 'm', 'f') and nspname !~ '^pg_' and nspname <> 'information_schema'
         and nspname <> all($1)
         and not exists (select from pg_depend where objid = pg_class.oid and deptype = 'e')
       order by 1 limit 4`,
      [schemas],
    );
    return rows.map(({ name }) => name);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Kysely sends the text of a statement alone: those that were compiled once get their names here. */
function nameStatements(client: pg.PoolClient): void {
  const query = client.query.bind(client) as (...parameters: readonly unknown[]) => unknown;
  client.query = ((text: unknown, values: unknown, ...others: readonly unknown[]) => {
    const name = typeof text === 'string' ? statementNames.get(text) : undefined;
    return name === undefined ? query(text, values, ...others) : query({ name, text, values }, ...others);
  }) as typeof client.query;
}

/** `bigint` as a number: this code stores epoch seconds, counters and minor units, all far below 2^53. */
function typeParser(oid: number, format?: 'text'): (value: string) => unknown {
  if (oid === pg.types.builtins.INT8) return toSafeInteger;
  return pg.types.getTypeParser(oid, format) as (value: string) => unknown;
}

function toSafeInteger(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError('the database holds a number that is too large');
  return number;
}
