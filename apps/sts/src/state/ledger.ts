import { randomUUID } from 'node:crypto';
import { createStatement } from '@behalf/database';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { LRUCache } from 'lru-cache';
import { lifetimes } from '../lifetimes.ts';
import { createBatchWriter } from './batch-writer.ts';
import { createAncestorsOf, evaluate, type TokenStatus } from './liveness.ts';
import type { LedgerTable, StsSchema } from './schema.ts';

/**
 * The token ledger. Times are epoch seconds; `session` is the `sid` of tokens: a digest of the login session. It never
 * holds a token.
 */

/** One issued token, recorded before it is handed out. */
export interface IssuedEntry {
  readonly jti: string;
  /** The jti it was derived from, for the token of a trusted issuer `<issuer>#<jti>`; null for a token of a login or of a client itself. */
  readonly parent: string | null;
  /** The user; null for a client's own token. */
  readonly subject: string | null;
  /** The current actor first. */
  readonly actors: readonly string[];
  readonly clientId: string;
  readonly audience: string;
  readonly scope: string;
  readonly grantType: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly session: string | null;
  /** oidc-provider's id of the client's grant in that session, for tokens of a login. Descendants find it through their parents. */
  readonly grantId: string | null;
  readonly requestId: string | null;
}

/** One refused request of an authenticated client. */
export interface RefusedEntry {
  readonly parent: string | null;
  /** Only when the signature of the subject token was checked. */
  readonly subject: string | null;
  readonly actors: readonly string[];
  readonly clientId: string;
  readonly audience: string | null;
  readonly scope: string;
  readonly grantType: string;
  readonly at: number;
  readonly session: string | null;
  readonly error: string;
  /** Coarse: what the wire says. */
  readonly reason: string | null;
  /** Fine: for operators. */
  readonly detail: string | null;
  readonly requestId: string | null;
}

export interface TokenLedgerOptions {
  readonly db: Kysely<StsSchema>;
  readonly retention?: Retention;
  /** Told when a refusal could not be recorded. */
  readonly onRefusalLost?: (error: unknown) => void;
}

/** SQLite takes 32766 parameters in one statement, PostgreSQL 65535; a row has some twenty. */
const MAXIMUM_ROWS_PER_COMMIT = 200;
/** About three seconds of work; a caller that waited longer would have given up. */
const MAXIMUM_WAITING_ROWS = 10_000;

export function createTokenLedger({ db, retention = DEFAULT_RETENTION, onRefusalLost }: TokenLedgerOptions) {
  const next = createSequence();
  const ancestorsOf = createAncestorsOf(db);
  const mayRecordRefusal = createRefusalLimit();
  const writer = createBatchWriter<LedgerTable>({
    insert: createLedgerInsert(db),
    insertAgain: (row) => insertAgain(db, row),
    maximumRows: MAXIMUM_ROWS_PER_COMMIT,
    maximumWaiting: MAXIMUM_WAITING_ROWS,
  });

  return {
    /** Resolves when the row is durable. Concurrent calls share one commit. */
    recordIssued: (entry: IssuedEntry) => writer.write(issuedRow(entry, next(entry.issuedAt), retention)),

    /** Best effort: rate-limited per client, and never fails the answer. */
    async recordRefused(entry: RefusedEntry): Promise<void> {
      if (!mayRecordRefusal(entry.clientId, entry.at)) return;
      try {
        await writer.write(refusedRow(entry, next(entry.at), retention));
      } catch (error) {
        onRefusalLost?.(error);
      }
    },

    /**
     * Whether a token of ours is active, computed upward along its parents: issued here, not expired, none of its
     * ancestors revoked or blocked, the login session and grant at the root active, the user and every client enabled.
     * With `to`, also whether the user has blocked that actor at that audience, for the rest of this session.
     */
    async statusOf(
      jti: string,
      now: number,
      to: { readonly actor: string; readonly audience: string } = NO_ACTOR,
    ): Promise<TokenStatus> {
      return evaluate(await ancestorsOf(jti, to.actor, to.audience), now);
    },

    /** Whether a user has blocked an actor at an audience for chains that a trusted issuer's token starts. */
    async isActorBlocked(
      {
        subject,
        actor,
        audience,
      }: { readonly subject: string; readonly actor: string; readonly audience: string },
      now: number,
    ): Promise<boolean> {
      const block = await db
        .selectFrom('delegation_blocks')
        .select('expires_at')
        .where('subject', '=', subject)
        .where('session', '=', '')
        .where('actor', '=', actor)
        .where('audience', '=', audience)
        .where('expires_at', '>', now)
        .executeTakeFirst();
      return block !== undefined;
    },
  };
}

export type TokenLedger = ReturnType<typeof createTokenLedger>;

const NO_ACTOR = { actor: '', audience: '' };

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

export interface Retention {
  /** How long the row of an expired token is kept. */
  readonly issuedSeconds: number;
  readonly refusedSeconds: number;
}

export const DEFAULT_RETENTION: Retention = {
  issuedSeconds: lifetimes.issuedRowSeconds,
  refusedSeconds: lifetimes.refusedRowSeconds,
};

const SEQUENCE_PER_SECOND = 1_000_000;

/** Numbers that rise with time and never repeat within a process; those of two processes in one second interleave. */
export function createSequence(): (at: number) => number {
  let last = 0;
  return (at) => {
    last = Math.max(last + 1, at * SEQUENCE_PER_SECOND);
    return last;
  };
}

export function issuedRow(entry: IssuedEntry, sequence: number, retention: Retention): LedgerTable {
  return {
    id: entry.jti,
    sequence,
    outcome: 'issued',
    ...common(entry),
    at: entry.issuedAt,
    expires_at: entry.expiresAt,
    grant_id: entry.grantId,
    error: null,
    reason: null,
    detail: null,
    keep_until: entry.expiresAt + retention.issuedSeconds,
  };
}

export function refusedRow(entry: RefusedEntry, sequence: number, retention: Retention): LedgerTable {
  return {
    id: randomUUID(),
    sequence,
    outcome: 'refused',
    ...common(entry),
    at: entry.at,
    expires_at: null,
    grant_id: null,
    error: entry.error,
    reason: entry.reason,
    detail: entry.detail,
    keep_until: entry.at + retention.refusedSeconds,
  };
}

function common(entry: IssuedEntry | RefusedEntry) {
  return {
    parent: entry.parent,
    subject: entry.subject,
    actors: JSON.stringify(entry.actors),
    actor: entry.actors[0] ?? null,
    client_id: entry.clientId,
    audience: entry.audience,
    scope: entry.scope,
    grant_type: entry.grantType,
    session: entry.session,
    request_id: entry.requestId,
    revoked_at: null,
    server_generation: null,
    client_generation: null,
  };
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

const BURST = 60;
const PER_SECOND = 1;
const MAXIMUM_CLIENTS = 1000;

/**
 * Whether a client's refusal is still recorded: sixty at once, then one a second, for each client of this process. A
 * client that is refused without end fills no table. `at` is in epoch seconds.
 */
export function createRefusalLimit(): (clientId: string, at: number) => boolean {
  const buckets = new LRUCache<string, { tokens: number; at: number }>({ max: MAXIMUM_CLIENTS });
  return (clientId, at) => {
    const bucket = buckets.get(clientId) ?? { tokens: BURST, at };
    const elapsedSeconds = Math.max(0, at - bucket.at);
    const tokens = Math.min(BURST, bucket.tokens + elapsedSeconds * PER_SECOND);
    buckets.set(clientId, { tokens: Math.max(0, tokens - 1), at: Math.max(at, bucket.at) });
    return tokens >= 1;
  };
}
