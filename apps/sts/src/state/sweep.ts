import { type Kysely, sql } from 'kysely';
import type { StsSchema } from './schema.ts';

/** How long an expired record is still kept, so that its late use is recognised and clocks may differ. */
const RECORD_GRACE_SECONDS = 600;

/** What anybody can have us keep, and whose late use means nothing, only until clocks agree that it has expired. */
const STRANGERS_GRACE_SECONDS = 60;

const STRANGERS_MODELS = ['Interaction', 'PushedAuthorizationRequest'];

/** Ended logins and grants must outlast every token that hangs from them. */
const END_GRACE_SECONDS = 30 * 24 * 3600;

const BATCH = 500;

interface Sweep {
  readonly table: keyof StsSchema;
  readonly key: readonly string[];
  readonly column: string;
  readonly graceSeconds: number;
  /** oidc-provider's models that it is about. Default: all rows. */
  readonly models?: readonly string[];
}

/** Each names its rows by primary key, oldest first, so that one statement locks no more than a batch. */
const SWEEPS: readonly Sweep[] = [
  {
    table: 'oidc_records',
    key: ['model', 'id'],
    column: 'expires_at',
    graceSeconds: STRANGERS_GRACE_SECONDS,
    models: STRANGERS_MODELS,
  },
  { table: 'oidc_records', key: ['model', 'id'], column: 'expires_at', graceSeconds: RECORD_GRACE_SECONDS },
  { table: 'replays', key: ['digest'], column: 'expires_at', graceSeconds: RECORD_GRACE_SECONDS },
  { table: 'sign_in_attempts', key: ['key'], column: 'window_ends_at', graceSeconds: 0 },
  { table: 'ledger', key: ['id'], column: 'keep_until', graceSeconds: 0 },
  {
    table: 'logout_outbox',
    key: ['session', 'client_id'],
    column: 'expires_at',
    graceSeconds: RECORD_GRACE_SECONDS,
  },
  { table: 'logins', key: ['session'], column: 'expires_at', graceSeconds: END_GRACE_SECONDS },
  { table: 'grant_ends', key: ['grant_id'], column: 'ended_at', graceSeconds: END_GRACE_SECONDS },
  {
    table: 'delegation_blocks',
    key: ['session', 'actor', 'audience'],
    column: 'created_at',
    graceSeconds: END_GRACE_SECONDS,
  },
];

/** Removes what has expired, in batches, and returns how many rows went. Several replicas may sweep at once. */
export async function sweep(db: Kysely<StsSchema>, now: number): Promise<number> {
  let removed = 0;
  for (const { table, key, column, graceSeconds, models } of SWEEPS) {
    const columns = sql.join(key.map((name) => sql.id(name)));
    const which = models === undefined ? sql`true` : sql`model in (${sql.join(models)})`;
    for (let batch = BATCH; batch === BATCH; removed += batch) {
      const { rows } = await sql`
        delete from ${sql.id(table)} where (${columns}) in (
          select ${columns} from ${sql.id(table)} where ${sql.id(column)} < ${now - graceSeconds} and ${which} limit ${sql.lit(BATCH)}
        ) returning 1`.execute(db);
      batch = rows.length;
    }
  }
  return removed;
}
