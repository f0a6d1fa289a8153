export {
  type Database,
  type Engine,
  type Migration,
  type OpenDatabaseOptions,
  isUnavailable,
  OverloadedError,
} from './database.ts';
export { NewerSchemaError, openDatabase, OutdatedSchemaError } from './open.ts';
export { tablesOutside } from './postgres.ts';
export { createStatement } from './statement.ts';
