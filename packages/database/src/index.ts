export {
  type Database,
  type Engine,
  type Migration,
  type OpenDatabaseOptions,
  isUnavailable,
} from './database.ts';
export { NewerSchemaError, openDatabase, OutdatedSchemaError } from './open.ts';
