import type { Kysely } from 'kysely';
import type { SubscriptionTables } from './schema.ts';

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
export async function addDemonstrationData(db: Kysely<SubscriptionTables>, now: number): Promise<void> {
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
