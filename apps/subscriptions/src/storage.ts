import type { Migration } from '@behalf/database';
import { type Kysely, sql } from 'kysely';

/** Times are epoch seconds. */
export interface SubscriptionTables {
  subscriptions: {
    /** The user (`sub`). */
    subject: string;
    plan: string;
    status: 'active' | 'lapsed';
    /** When the plan renews; for a lapsed one, when it would have. */
    renews_at: number;
  };
}

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

/** The development users, by the ids that the STS gives them. Carol and dave have no record. */
export const DEMONSTRATION_USERS = {
  alice: 'usr_7Q2mZk4TtR9xPa1c',
  bob: 'usr_B8nWf3LsYv6dKe0j',
  carol: 'usr_J5hXq2RgUw9tMb7z',
  dave: 'usr_D1pCk8VyNa4sLf6e',
} as const;

const DAY_SECONDS = 86_400;

/**
 * Alice's subscription is active and renews in a month, however long ago the data was made; bob's has lapsed. A record
 * whose status somebody changed stays as it is.
 */
export async function addDemoData(db: Kysely<SubscriptionTables>, now: number): Promise<void> {
  await db
    .insertInto('subscriptions')
    .values([
      {
        subject: DEMONSTRATION_USERS.alice,
        plan: 'premium',
        status: 'active',
        renews_at: now + 30 * DAY_SECONDS,
      },
      {
        subject: DEMONSTRATION_USERS.bob,
        plan: 'premium',
        status: 'lapsed',
        renews_at: now - 20 * DAY_SECONDS,
      },
    ])
    .onConflict((conflict) => conflict.column('subject').doNothing())
    .execute();
  await db
    .updateTable('subscriptions')
    .set({ renews_at: now + 30 * DAY_SECONDS })
    .where('subject', '=', DEMONSTRATION_USERS.alice)
    .where('status', '=', 'active')
    .execute();
}

/** A subscription record as it stands on the wire. */
export interface Subscription {
  readonly sub: string;
  readonly plan: string;
  readonly status: 'active' | 'lapsed';
  /** ISO 8601 date. */
  readonly renewsAt: string;
}

/** A user's record; undefined when there is none. A plan past its renewal date is lapsed, whatever its row says. */
export async function findSubscription(
  db: Kysely<SubscriptionTables>,
  subject: string,
  now: number,
): Promise<Subscription | undefined> {
  const row = await db
    .selectFrom('subscriptions')
    .selectAll()
    .where('subject', '=', subject)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    sub: row.subject,
    plan: row.plan,
    status: row.renews_at <= now ? 'lapsed' : row.status,
    renewsAt: new Date(row.renews_at * 1000).toISOString().slice(0, 10),
  };
}
