export {
  type Database,
  type Engine,
  type Migration,
  type OpenDatabaseOptions,
  isUnavailable,
} from './database.ts';
export { NewerSchemaError, openDatabase } from './open.ts';
export { prepare } from './prepare.ts';
