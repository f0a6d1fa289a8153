import { createStatement } from '@behalf/database';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { createBatchWriter } from './batch-writer.ts';
import type { LedgerTable, StsSchema } from './schema.ts';

/** SQLite takes 32766 parameters in one statement, PostgreSQL 65535; a row has some twenty. */
const MAXIMUM_ROWS_PER_COMMIT = 200;
/** About three seconds of work; a caller that waited longer would have given up. */
const MAXIMUM_WAITING_ROWS = 10_000;

/** Writes rows of the ledger; rows that are written at the same time share one commit. */
export function createLedgerWriter(db: Kysely<StsSchema>) {
  return createBatchWriter<LedgerTable>({
    insert: createLedgerInsert(db),
    insertAgain: (row) => insertAgain(db, row),
    maximumRows: MAXIMUM_ROWS_PER_COMMIT,
    maximumWaiting: MAXIMUM_WAITING_ROWS,
  });
}

/** Inserts rows by a statement that is compiled once for each number of rows. */
function createLedgerInsert(db: Kysely<StsSchema>) {
  const statements = new Map<number, (...values: readonly unknown[]) => Promise<unknown>>();
  const columns = sql.join(LEDGER_COLUMNS.map((column) => sql.ref(column)));

  function statementFor(count: number) {
    const known = statements.get(count);
    if (known !== undefined) return known;
    const statement = createStatement(db, (parameter) => {
      const row = (index: number) => {
        const value = (column: keyof LedgerTable) =>
          parameter(index * LEDGER_COLUMNS.length + LEDGER_COLUMNS.indexOf(column));
        const values = LEDGER_COLUMNS.map((column) => {
          if (column === 'server_generation') return CURRENT_SERVER_GENERATION;
          return column === 'client_generation' ? currentClientGeneration(value('client_id')) : value(column);
        });
        return sql`(${sql.join(values)})`;
      };
      const rows = sql.join(Array.from({ length: count }, (_, index) => row(index)));
      return sql`insert into ledger (${columns}) values ${rows}`;
    });
    statements.set(count, statement);
    return statement;
  }

  return async (rows: readonly LedgerTable[]): Promise<void> => {
    const values: unknown[] = [];
    for (const row of rows) for (const column of LEDGER_COLUMNS) values.push(row[column]);
    await statementFor(rows.length)(...values);
  };
}

/** Read by the insert itself: once they have changed, the token is inactive. */
const CURRENT_SERVER_GENERATION = sql<number>`(select generation from server)`;

function currentClientGeneration(clientId: RawBuilder<unknown>) {
  return sql<number | null>`(select generation from clients where id = ${clientId})`;
}

/** Inserts a row whose batch failed. The sequence tells a row that the batch did write from another row of that id. */
async function insertAgain(db: Kysely<StsSchema>, row: LedgerTable): Promise<void> {
  await db
    .insertInto('ledger')
    .values({
      ...row,
      server_generation: CURRENT_SERVER_GENERATION,
      client_generation: currentClientGeneration(sql.val(row.client_id)),
    })
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet({ keep_until: row.keep_until })
        .where('ledger.sequence', '=', row.sequence),
    )
    .returning('id')
    .executeTakeFirstOrThrow(() => new Error('a token of this id was recorded before'));
}

/** All columns of the table, in the order that rows are written in. */
const LEDGER_COLUMNS = Object.keys({
  id: true,
  sequence: true,
  outcome: true,
  parent: true,
  subject: true,
  actors: true,
  actor: true,
  client_id: true,
  audience: true,
  scope: true,
  grant_type: true,
  at: true,
  expires_at: true,
  session: true,
  grant_id: true,
  request_id: true,
  error: true,
  reason: true,
  detail: true,
  revoked_at: true,
  keep_until: true,
  server_generation: true,
  client_generation: true,
} satisfies Record<keyof LedgerTable, true>) as (keyof LedgerTable)[];
