import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import { createBatchWriter } from './batch-writer.ts';
import { evaluate, ancestorsOf, type TokenStatus } from './liveness.ts';
import type { LedgerTable, StsSchema } from './schema.ts';

/**
 * The ports of the token ledger. Times are epoch seconds; `session` is the `sid` of tokens: a digest of the login session.
 * No token ever enters here.
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

export interface TokenLedger {
  /** Resolves when the row is durable. Concurrent calls share one commit. */
  recordIssued(entry: IssuedEntry): Promise<void>;
  /** Best effort: rate-limited per client, and never fails the answer. */
  recordRefused(entry: RefusedEntry): Promise<void>;
  /**
   * Whether a token of ours still holds, computed upward along its parents: issued here, not expired, none of its ancestors revoked
   * or blocked, the login session and grant at the root still there, the user and every client on the way enabled.
   */
  statusOf(jti: string, now: number): Promise<TokenStatus>;
  /** Whether the user took from an actor the right to act at an audience, for the rest of this session. */
  isActorBlocked(session: string, actor: string, audience: string): Promise<boolean>;
}

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

    statusOf: async (jti, now) => evaluate(await ancestorsOf(db, jti), now),

    async isActorBlocked(session, actor, audience) {
      const bar = await db
        .selectFrom('delegation_blocks')
        .select('created_at')
        .where('session', '=', session)
        .where('actor', '=', actor)
        .where('audience', '=', audience)
        .executeTakeFirst();
      return bar !== undefined;
    },
  };
}

export interface Retention {
  /** How long the row of an expired token is kept. */
  readonly issuedSeconds: number;
  readonly refusedSeconds: number;
}

export const DEFAULT_RETENTION: Retention = { issuedSeconds: 30 * 24 * 3600, refusedSeconds: 7 * 24 * 3600 };

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
  };
}

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
