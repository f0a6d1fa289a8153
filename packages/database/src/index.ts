export type { Database, Engine, Migration, OpenDatabaseOptions } from './database.ts';
export { NewerSchemaError } from './migrate.ts';
export { openDatabase } from './open.ts';
export { isUnavailable } from './unavailable.ts';
