import type { Database, OpenDatabaseOptions } from './database.ts';
import { migrate } from './migrate.ts';
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
    await migrate(database, options);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}
