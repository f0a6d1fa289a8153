import type { Kysely } from 'kysely';
import type { LedgerTable, StsSchema } from '../storage/schema.ts';
import { createBatchWriter } from './batch-writer.ts';
import { judge, stepsUpward } from './liveness.ts';
import { createRefusalLimit } from './refusal-limit.ts';
import { createSequence, DEFAULT_RETENTION, issuedRow, refusedRow, type Retention } from './rows.ts';
import type { TokenLedger } from './types.ts';

export interface TokenLedgerOptions {
  readonly db: Kysely<StsSchema>;
  readonly retention?: Retention;
  /** Told when a refusal could not be recorded. Default: nobody. */
  readonly onRefusalLost?: (error: unknown) => void;
}

/** SQLite takes 32766 parameters in one statement, PostgreSQL 65535; a row has twenty. */
const MAXIMUM_ROWS_PER_COMMIT = 200;

export function createTokenLedger({
  db,
  retention = DEFAULT_RETENTION,
  onRefusalLost,
}: TokenLedgerOptions): TokenLedger {
  const next = createSequence();
  const insert = async (rows: readonly LedgerTable[]) =>
    void (await db.insertInto('ledger').values(rows).execute());
  const writer = createBatchWriter(insert, MAXIMUM_ROWS_PER_COMMIT);
  const mayRecordRefusal = createRefusalLimit();

  return {
    recordIssued: (entry) => writer.write(issuedRow(entry, next(entry.issuedAt), retention)),

    async recordRefused(entry) {
      if (!mayRecordRefusal(entry.clientId, entry.at)) return;
      try {
        await writer.write(refusedRow(entry, next(entry.at), retention));
      } catch (error) {
        onRefusalLost?.(error);
      }
    },

    livenessOf: async (jti, now) => judge(await stepsUpward(db, jti), now),

    async isBarred(session, actor, audience) {
      const bar = await db
        .selectFrom('bars')
        .select('created_at')
        .where('session', '=', session)
        .where('actor', '=', actor)
        .where('audience', '=', audience)
        .executeTakeFirst();
      return bar !== undefined;
    },
  };
}
