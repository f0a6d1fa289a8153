import type { Migration } from '@behalf/database';

export const signInAttempts: Migration = {
  name: '002-sign-in-attempts',
  async up(db) {
    await db.schema
      .createTable('sign_in_attempts')
      .addColumn('key', 'text', (column) => column.primaryKey())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('window_ends_at', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex('sign_in_attempts_window_ends_at')
      .on('sign_in_attempts')
      .column('window_ends_at')
      .execute();
  },
};
