import type { Migration } from '@behalf/database';
import { sql } from 'kysely';

/** Forward only. A migration that has been released is never edited. */
export const migrations: readonly Migration[] = [
  {
    name: '001-subscriptions',
    async up(db) {
      await db.schema
        .createTable('subscriptions')
        .addColumn('subject', 'text', (column) => column.primaryKey())
        .addColumn('plan', 'text', (column) => column.notNull())
        .addColumn('status', 'text', (column) => column.notNull().check(sql`status in ('active', 'lapsed')`))
        .addColumn('renews_at', 'bigint', (column) => column.notNull())
        .execute();
    },
  },
];
