import { DatabaseSync } from 'node:sqlite';

/** `ok`, or the first thing that SQLite finds wrong with a file that no process has open. */
export function integrityOf(file: string): unknown {
  const handle = new DatabaseSync(file);
  const row = handle.prepare('pragma integrity_check').get();
  handle.close();
  return row?.['integrity_check'];
}
