import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import { lifetimes } from '../lifetimes.ts';
import { createLedgerWriter } from './ledger-writer.ts';
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
  /** Told when a refusal could not be recorded. */
  readonly onRefusalLost?: (error: unknown) => void;
}

export function createTokenLedger({ db, onRefusalLost }: TokenLedgerOptions) {
  const next = createSequence();
  const ancestorsOf = createAncestorsOf(db);
  const mayRecordRefusal = createRefusalLimit();
  const writer = createLedgerWriter(db);

  return {
    /** Resolves when the row is durable. Concurrent calls share one commit. */
    recordIssued: (entry: IssuedEntry) => writer.write(issuedRow(entry, next(entry.issuedAt))),

    /** Best effort: rate-limited per client, and never fails the answer. */
    async recordRefused(entry: RefusedEntry): Promise<void> {
      if (!mayRecordRefusal(entry.clientId, entry.at)) return;
      try {
        await writer.write(refusedRow(entry, next(entry.at)));
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

const SEQUENCE_PER_SECOND = 1_000_000;

/** Numbers that rise with time and never repeat within a process; those of two processes in one second interleave. */
function createSequence(): (at: number) => number {
  let last = 0;
  return (at) => {
    last = Math.max(last + 1, at * SEQUENCE_PER_SECOND);
    return last;
  };
}

function issuedRow(entry: IssuedEntry, sequence: number): LedgerTable {
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
    keep_until: entry.expiresAt + lifetimes.issuedRowSeconds,
  };
}

function refusedRow(entry: RefusedEntry, sequence: number): LedgerTable {
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
    keep_until: entry.at + lifetimes.refusedRowSeconds,
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
