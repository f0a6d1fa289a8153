import { sql, type Kysely } from 'kysely';
import type { StsSchema } from '../storage/schema.ts';

/** Counts per key within fixed windows, on all replicas together. */
export interface AttemptCounter {
  /** One more; the first one opens the window. */
  count(key: string, windowSeconds: number): Promise<{ count: number; endsInSeconds: number }>;
  /** One less in the window that is open. */
  takeBack(key: string): Promise<void>;
}

export function createAttemptCounter(db: Kysely<StsSchema>, now: () => number): AttemptCounter {
  return {
    async count(key, windowSeconds) {
      const at = now();
      // One statement, so that parallel attempts each see their own number.
      const row = await db
        .insertInto('sign_in_attempts')
        .values({ key, attempts: 1, window_ends_at: at + windowSeconds })
        .onConflict((conflict) =>
          conflict.column('key').doUpdateSet({
            attempts: sql<number>`case when sign_in_attempts.window_ends_at <= ${at} then 1
              else sign_in_attempts.attempts + 1 end`,
            window_ends_at: sql<number>`case when sign_in_attempts.window_ends_at <= ${at}
              then excluded.window_ends_at else sign_in_attempts.window_ends_at end`,
          }),
        )
        .returning(['attempts', 'window_ends_at'])
        .executeTakeFirstOrThrow();
      return { count: row.attempts, endsInSeconds: row.window_ends_at - at };
    },

    async takeBack(key) {
      await db
        .updateTable('sign_in_attempts')
        .set({ attempts: sql<number>`attempts - 1` })
        .where('key', '=', key)
        .where('attempts', '>', 0)
        .execute();
    },
  };
}
