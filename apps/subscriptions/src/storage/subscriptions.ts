import type { Kysely } from 'kysely';
import type { SubscriptionTables } from './schema.ts';

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
