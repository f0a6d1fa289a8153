export { NewerSchemaError, type Migration } from './migrate.ts';
export { openDatabase, type Database, type Engine, type OpenDatabaseOptions } from './open.ts';
export { isUnavailable } from './unavailable.ts';
