import { type Kysely, type RawBuilder, sql } from 'kysely';
import { lifetimes } from '../lifetimes.ts';
import type { StsSchema } from './schema.ts';

const BATCH = 500;

const { recordGraceSeconds, unauthenticatedGraceSeconds, endedSeconds } = lifetimes;

/** Records that unauthenticated callers cause. */
const UNAUTHENTICATED = sql<boolean>`model in ('Interaction', 'PushedAuthorizationRequest')`;

type Sweep = readonly [
  table: keyof StsSchema,
  key: string,
  column: string,
  graceSeconds: number,
  which?: RawBuilder<boolean>,
];

/** Each names its rows by primary key, so that one statement locks no more than a batch. */
const SWEEPS: readonly Sweep[] = [
  ['oidc_records', 'model, id', 'expires_at', unauthenticatedGraceSeconds, UNAUTHENTICATED],
  ['oidc_records', 'model, id', 'expires_at', recordGraceSeconds],
  ['replays', 'digest', 'expires_at', recordGraceSeconds],
  ['sign_in_attempts', 'key', 'window_ends_at', 0],
  ['ledger', 'id', 'keep_until', 0],
  ['logout_outbox', 'session, client_id', 'expires_at', recordGraceSeconds],
  ['logins', 'session', 'expires_at', endedSeconds],
  ['grant_ends', 'grant_id', 'ended_at', endedSeconds],
  ['delegation_blocks', 'subject, session, actor, audience', 'expires_at', recordGraceSeconds],
];

/** Removes what has expired, in batches, and resolves with how many rows went. Several replicas may sweep at once. */
export async function sweep(db: Kysely<StsSchema>, now: number): Promise<number> {
  let removed = 0;
  for (const [table, key, column, graceSeconds, which = sql<boolean>`true`] of SWEEPS) {
    for (let batch = BATCH; batch === BATCH; removed += batch) {
      const { rows } = await sql`
        delete from ${sql.id(table)} where (${sql.raw(key)}) in (
          select ${sql.raw(key)} from ${sql.id(table)}
          where ${sql.id(column)} < ${now - graceSeconds} and ${which} limit ${sql.lit(BATCH)}
        ) returning 1`.execute(db);
      batch = rows.length;
    }
  }
  return removed;
}
