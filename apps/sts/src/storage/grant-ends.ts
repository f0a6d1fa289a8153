import type { Kysely } from 'kysely';
import type { StsSchema } from './schema.ts';

/**
 * Ends a client's grant for good: its records go, and what was derived from it finds it ended. Runs within the caller's
 * transaction, if there is one; the note comes first, so that calls at the same time wait for one another.
 * Resolves with the session that the grant was part of, unless none of its records is left.
 */
export async function endGrantRecords(
  db: Kysely<StsSchema>,
  grantId: string,
  now: number,
): Promise<string | undefined> {
  await db
    .insertInto('grant_ends')
    .values({ grant_id: grantId, ended_at: now })
    .onConflict((conflict) => conflict.column('grant_id').doNothing())
    .execute();
  const ended = await db
    .deleteFrom('engine_records')
    .where('grant_id', '=', grantId)
    .returning('session')
    .execute();
  return ended.find(({ session }) => session !== null)?.session ?? undefined;
}
