/** Started by a test as a process of its own: opens and migrates a database, then ends. */

import { sql } from 'kysely';
import type { OpenDatabaseOptions } from '../../src/database.ts';
import { openDatabase } from '../../src/open.ts';

const location = JSON.parse(process.argv[2] ?? '') as Pick<OpenDatabaseOptions, 'url' | 'file' | 'schema'>;

const database = await openDatabase({
  ...location,
  waitTimeoutMs: 20_000,
  migrations: [
    {
      name: '001-notes',
      up: async (db) => void (await sql`create table notes (id integer, body text, at bigint)`.execute(db)),
    },
    {
      name: '002-counted',
      up: async (db) => void (await sql`insert into notes values (1, 'once', 1)`.execute(db)),
    },
  ],
});

await database.close();
