/** Amounts are whole minor units, times epoch seconds. */

import type { Migration } from '@behalf/database';
import { type ColumnType, type Kysely, type Selectable, sql } from 'kysely';
import type { Account } from '../domain/payment.ts';

type MinorUnits = ColumnType<number, bigint, bigint | number>;

export interface Api2Tables {
  accounts: {
    id: string;
    owner: string;
    name: string;
    currency: string;
    balance: MinorUnits;
  };
  payments: {
    id: string;
    payer: string;
    from_account: string;
    to_account: string;
    amount: MinorUnits;
    currency: string;
    reference: string;
    booked_at: number;
  };
  /** What each payment request was answered, under its idempotency key. Kept as long as the payments are. */
  payment_answers: {
    payer: string;
    idempotency_key: string;
    order_digest: string;
    /** JSON of `PaymentAnswer`. */
    answer: string;
    answered_at: number;
  };
}

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

/** The development users, by the ids that the STS gives them. */
export const DEMONSTRATION_USERS = {
  alice: 'usr_7Q2mZk4TtR9xPa1c',
  bob: 'usr_B8nWf3LsYv6dKe0j',
  carol: 'usr_J5hXq2RgUw9tMb7z',
  dave: 'usr_D1pCk8VyNa4sLf6e',
} as const;

const { alice, bob, carol, dave } = DEMONSTRATION_USERS;

const ACCOUNTS = [
  { id: 'acc_a1_everyday', owner: alice, name: 'Everyday account', currency: 'EUR', balance: 412_685n },
  { id: 'acc_a2_savings', owner: alice, name: 'Savings', currency: 'EUR', balance: 1_850_000n },
  { id: 'acc_a3_travel', owner: alice, name: 'Travel money', currency: 'JPY', balance: 184_200n },
  { id: 'acc_b1_everyday', owner: bob, name: 'Everyday account', currency: 'EUR', balance: 96_340n },
  { id: 'acc_b2_dollars', owner: bob, name: 'Dollar account', currency: 'USD', balance: 310_075n },
  { id: 'acc_c1_everyday', owner: carol, name: 'Everyday account', currency: 'EUR', balance: 238_911n },
  { id: 'acc_d1_everyday', owner: dave, name: 'Everyday account', currency: 'EUR', balance: 57_420n },
] as const;

/** [days before the first start, from, to, minor units, reference] */
const PAYMENTS: readonly (readonly [number, string, string, number, string])[] = [
  [84, 'acc_a1_everyday', 'acc_a2_savings', 40_000, 'Monthly savings'],
  [79, 'acc_a1_everyday', 'acc_b1_everyday', 3_250, 'Concert tickets'],
  [61, 'acc_a1_everyday', 'acc_c1_everyday', 1_890, 'Lunch, thank you'],
  [54, 'acc_a1_everyday', 'acc_a2_savings', 40_000, 'Monthly savings'],
  [40, 'acc_a1_everyday', 'acc_b1_everyday', 12_000, 'Half of the weekend'],
  [24, 'acc_a1_everyday', 'acc_a2_savings', 40_000, 'Monthly savings'],
  [9, 'acc_a1_everyday', 'acc_d1_everyday', 5_500, 'Bicycle repair'],
  [2, 'acc_a1_everyday', 'acc_c1_everyday', 2_340, 'Birthday present'],
  [33, 'acc_b1_everyday', 'acc_a1_everyday', 4_100, 'Groceries'],
  [12, 'acc_b1_everyday', 'acc_c1_everyday', 1_525, 'Cinema'],
  [20, 'acc_c1_everyday', 'acc_a1_everyday', 7_800, 'Train tickets'],
];

const DAY_SECONDS = 86_400;

/**
 * Gives the development users accounts and a history of payments, once: what is there already stays as it is. The
 * balances are those after these payments.
 */
export async function addDemoData(db: Kysely<Api2Tables>, now: number): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await transaction
      .insertInto('accounts')
      .values([...ACCOUNTS])
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
    await transaction
      .insertInto('payments')
      .values(PAYMENTS.map((payment, index) => toRow(payment, index, now)))
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
  });
}

function toRow([days, from, to, amount, reference]: (typeof PAYMENTS)[number], index: number, now: number) {
  const account = ACCOUNTS.find(({ id }) => id === from);
  if (account === undefined) throw new Error(`no account ${from}`);
  return {
    id: `pay_demo_${String(index + 1).padStart(2, '0')}`,
    payer: account.owner,
    from_account: from,
    to_account: to,
    amount: BigInt(amount),
    currency: account.currency,
    reference,
    booked_at: now - days * DAY_SECONDS,
  };
}

/** A user's own accounts, in a fixed order. Empty for a user who has none. */
export async function accountsOf(db: Kysely<Api2Tables>, owner: string): Promise<readonly Account[]> {
  const rows = await db.selectFrom('accounts').selectAll().where('owner', '=', owner).orderBy('id').execute();
  return rows.map(toAccount);
}

export function toAccount(row: Selectable<Api2Tables['accounts']>): Account {
  return { ...row, balance: BigInt(row.balance) };
}
