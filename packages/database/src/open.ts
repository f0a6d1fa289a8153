import { type Kysely, sql, type Transaction } from 'kysely';
import { type Database, isUnavailable, type Migration, type OpenDatabaseOptions } from './database.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

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
    if (options.migrate === false) await assertMigrated(database, options);
    else await migrate(database, options);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

/** The database is ahead of this code: starting would mean two versions unaware of each other. */
export class NewerSchemaError extends Error {
  override readonly name = 'NewerSchemaError';
}

/** The database lacks what this code needs, and the process was told not to change it. */
export class OutdatedSchemaError extends Error {
  override readonly name = 'OutdatedSchemaError';
}

interface Applied {
  readonly position: number;
  readonly name: string;
}

const TABLE = 'schema_migrations';

/**
 * Applies what is missing, all of it in one transaction under a lock, so that a process that dies half-way leaves the
 * schema as it was and a second process waits and finds nothing to do.
 */
export async function migrate<Schema>(
  database: Database<Schema>,
  options: { readonly schema: string; readonly migrations: readonly Migration[] },
): Promise<void> {
  await database.exclusively(`migrate ${options.schema}`, async (transaction) => {
    if (database.engine === 'postgres') {
      await sql`set local statement_timeout = 0`.execute(transaction);
      await ensureSchema(transaction, options.schema);
    }
    await apply(transaction, options.migrations);
  });
}

/** `create schema if not exists` wants the right to create, also where the schema is there. */
async function ensureSchema<Schema>(transaction: Transaction<Schema>, schema: string): Promise<void> {
  const { rows } = await sql`select from pg_namespace where nspname = ${schema}`.execute(transaction);
  if (rows.length === 0) await sql`create schema ${sql.id(schema)}`.execute(transaction);
}

async function assertMigrated<Schema>(
  database: Database<Schema>,
  { migrations }: { readonly migrations: readonly Migration[] },
): Promise<void> {
  const applied = await readApplied(database.db).catch((error: unknown) => {
    if (isUnavailable(error)) throw error;
    return [];
  });
  assertKnown(applied, migrations);
  if (applied.length < migrations.length) {
    throw new OutdatedSchemaError(
      'the database has not been brought up to date by this version of the service: start the service first',
    );
  }
}

async function readApplied<Schema>(db: Kysely<Schema>): Promise<readonly Applied[]> {
  const { rows } = await sql<Applied>`select position, name from ${sql.id(TABLE)} order by position`.execute(
    db,
  );
  return rows;
}

function assertKnown(applied: readonly Applied[], migrations: readonly Migration[]): void {
  for (const [index, row] of applied.entries()) {
    if (migrations[index]?.name === row.name) continue;
    throw new NewerSchemaError(
      `the database has migration "${row.name}", which this version of the service does not know: ` +
        'it was used by a newer version. Start that version, or restore a back-up from before it',
    );
  }
}

async function apply<Schema>(
  transaction: Transaction<Schema>,
  migrations: readonly Migration[],
): Promise<void> {
  await sql`create table if not exists ${sql.id(TABLE)} (position integer primary key, name text not null)`.execute(
    transaction,
  );
  const applied = await readApplied(transaction);
  assertKnown(applied, migrations);
  for (const [position, migration] of migrations.entries()) {
    if (position < applied.length) continue;
    await migration.up(transaction as unknown as Kysely<unknown>);
    await sql`insert into ${sql.id(TABLE)} (position, name) values (${position}, ${migration.name})`.execute(
      transaction,
    );
  }
}
