import type { Migration } from '@behalf/database';
import { sql, type Kysely } from 'kysely';

/** Forward only. A migration that has been released is never edited. */
export const migrations: readonly Migration[] = [
  {
    name: '001-accounts-and-payments',
    async up(db) {
      await createAccounts(db);
      await createPayments(db);
      await createPaymentAnswers(db);
    },
  },
];

async function createAccounts(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('accounts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('owner', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('currency', 'text', (column) => column.notNull())
    // The last line of defence: whatever the code does, no balance falls below zero.
    .addColumn('balance', 'bigint', (column) => column.notNull().check(sql`balance >= 0`))
    .execute();
  await db.schema.createIndex('accounts_owner').on('accounts').columns(['owner', 'id']).execute();
}

async function createPayments(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('payments')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('payer', 'text', (column) => column.notNull())
    .addColumn('from_account', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('to_account', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('amount', 'bigint', (column) => column.notNull().check(sql`amount > 0`))
    .addColumn('currency', 'text', (column) => column.notNull())
    .addColumn('reference', 'text', (column) => column.notNull())
    .addColumn('booked_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('payments_payer')
    .on('payments')
    .columns(['payer', 'booked_at', 'id'])
    .execute();
}

async function createPaymentAnswers(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('payment_answers')
    .addColumn('payer', 'text', (column) => column.notNull())
    .addColumn('idempotency_key', 'text', (column) => column.notNull())
    .addColumn('order_digest', 'text', (column) => column.notNull())
    .addColumn('answer', 'text', (column) => column.notNull())
    .addColumn('answered_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('payment_answers_pk', ['payer', 'idempotency_key'])
    .execute();
}
