import type { Kysely, Selectable } from 'kysely';
import { createAncestorsOf, evaluate, type TokenStatus } from './liveness.ts';
import { isStorable, type LedgerTable, type StsSchema } from './schema.ts';

/** A row as `/account/delegations` and `ledger --json` show it. */
export interface DelegationRow {
  readonly jti: string;
  readonly parent: string | null;
  readonly at: number;
  readonly client_id: string;
  readonly actors: readonly string[];
  readonly audience: string | null;
  readonly scope: string;
  readonly grant_type: string;
  readonly outcome: 'issued' | 'refused';
  readonly reason: string | null;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
}

export interface SessionRow {
  readonly id: string;
  readonly client_ids: readonly string[];
  readonly signed_in_at: number;
  /** `Firefox on Linux`, as the browser said at the sign-in; null when that is not known. */
  readonly browser: string | null;
  readonly current: boolean;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Opaque; null on the last page. */
  readonly next: string | null;
}

/** What people and operators read. A malformed cursor is `null`. */
export interface LedgerQueries {
  delegationsOf(
    subject: string,
    page: { limit: number; cursor?: string },
  ): Promise<Page<DelegationRow> | null>;
  /** The live ones, newest first: at most 100, `currentSession` always among them. */
  sessionsOf(subject: string, currentSession: string | undefined): Promise<readonly SessionRow[]>;
}

const MAXIMUM_PAGE = 100;

/** A row as operators see it. */
export interface OperatorRow extends DelegationRow {
  readonly subject: string | null;
  readonly session: string | null;
}

/** Why a request was refused, or what became of a token. */
export interface Explanation {
  /** What was recorded under that jti or request id, newest first. */
  readonly rows: readonly (OperatorRow & { readonly error: string | null; readonly detail: string | null })[];
  /** Of the newest issued token among them. */
  readonly status: TokenStatus | null;
}

export interface OperatorQueries extends LedgerQueries {
  /** Issued and refused alike, newest first; null for a malformed cursor. */
  list(
    filter: { subject?: string },
    page: { limit: number; cursor?: string },
  ): Promise<Page<OperatorRow> | null>;
  explain(jtiOrRequestId: string, now: number): Promise<Explanation>;
}

export function createLedgerQueries(db: Kysely<StsSchema>, now: () => number): OperatorQueries {
  const ancestorsOf = createAncestorsOf(db);
  const newestFirst = () =>
    db.selectFrom('ledger').selectAll().orderBy('sequence', 'desc').orderBy('id', 'desc');

  const page = async (
    query: ReturnType<typeof newestFirst>,
    { limit, cursor }: { limit: number; cursor?: string },
  ): Promise<Page<Selectable<LedgerTable>> | null> => {
    const after = cursor === undefined ? undefined : parseCursor(cursor);
    if (after === null) return null;
    const size = Math.min(Math.max(Math.trunc(limit), 1), MAXIMUM_PAGE);
    const from =
      after === undefined
        ? query
        : query.where((where) =>
            where(where.refTuple('sequence', 'id'), '<', where.tuple(after.sequence, after.id)),
          );
    const rows = await from.limit(size + 1).execute();
    const last = rows.length > size ? rows[size - 1] : undefined;
    return { rows: rows.slice(0, size), next: last === undefined ? null : formatCursor(last) };
  };

  return {
    async delegationsOf(subject, wanted) {
      const found = await page(
        newestFirst()
          .where('subject', '=', subject)
          .where((where) => where.or([where('outcome', '=', 'refused'), where('actor', 'is not', null)])),
        wanted,
      );
      return found && { rows: found.rows.map(delegationRow), next: found.next };
    },

    async sessionsOf(subject, currentSession) {
      const logins = await db
        .selectFrom('logins')
        .leftJoin('global_revocation', (join) => join.onTrue())
        .select(['session', 'signed_in_at', 'browser', 'not_before'])
        .where('subject', '=', subject)
        .where('ended_at', 'is', null)
        .where('expires_at', '>', now())
        // Of too many the one that asks is shown in any case.
        .orderBy((by) =>
          by
            .case()
            .when('session', '=', currentSession ?? '')
            .then(0)
            .else(1)
            .end(),
        )
        .orderBy('signed_in_at', 'desc')
        .limit(MAXIMUM_PAGE)
        .execute();
      const live = logins
        .filter((login) => login.not_before === null || login.signed_in_at >= login.not_before)
        .sort((one, other) => other.signed_in_at - one.signed_in_at);
      const clients = await clientsSignedInto(
        db,
        live.map(({ session }) => session),
      );
      return live.map((login) => ({
        id: login.session,
        client_ids: clients.get(login.session) ?? [],
        signed_in_at: login.signed_in_at,
        browser: login.browser,
        current: login.session === currentSession,
      }));
    },

    async list({ subject }, wanted) {
      const query = subject === undefined ? newestFirst() : newestFirst().where('subject', '=', subject);
      const found = await page(query, wanted);
      return found && { rows: found.rows.map(operatorRow), next: found.next };
    },

    async explain(jtiOrRequestId, at) {
      const rows = await newestFirst()
        .where((where) =>
          where.or([where('id', '=', jtiOrRequestId), where('request_id', '=', jtiOrRequestId)]),
        )
        .limit(MAXIMUM_PAGE)
        .execute();
      const issued = rows.find((row) => row.outcome === 'issued');
      return {
        rows: rows.map((row) => ({ ...operatorRow(row), error: row.error, detail: row.detail })),
        status: issued === undefined ? null : evaluate(await ancestorsOf(issued.id, '', ''), at),
      };
    },
  };
}

/** By session, the clients that the user signed in to, not those that acted later on. One statement for all of them. */
async function clientsSignedInto(
  db: Kysely<StsSchema>,
  sessions: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (sessions.length === 0) return new Map();
  const rows = await db
    .selectFrom('ledger')
    .select(['session', 'client_id'])
    .distinct()
    .where('session', 'in', sessions)
    .where('outcome', '=', 'issued')
    .where('actor', 'is', null)
    .orderBy('client_id')
    .execute();
  const bySession = new Map<string, string[]>();
  for (const { session, client_id } of rows) {
    if (session !== null) bySession.set(session, [...(bySession.get(session) ?? []), client_id]);
  }
  return bySession;
}

function delegationRow(row: Selectable<LedgerTable>): DelegationRow {
  return {
    jti: row.id,
    parent: row.parent,
    at: row.at,
    client_id: row.client_id,
    actors: JSON.parse(row.actors) as string[],
    audience: row.audience,
    scope: row.scope,
    grant_type: row.grant_type,
    outcome: row.outcome,
    reason: row.reason,
    expires_at: row.expires_at,
    revoked_at: row.revoked_at,
  };
}

function operatorRow(row: Selectable<LedgerTable>): OperatorRow {
  return { ...delegationRow(row), subject: row.subject, session: row.session };
}

function formatCursor(row: { readonly sequence: number; readonly id: string }): string {
  return Buffer.from(JSON.stringify([row.sequence, row.id])).toString('base64url');
}

function parseCursor(cursor: string): { sequence: number; id: string } | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (!Array.isArray(value) || value.length !== 2) return null;
    const [sequence, id] = value as unknown[];
    return Number.isSafeInteger(sequence) && typeof id === 'string' && isStorable(id)
      ? { sequence: sequence as number, id }
      : null;
  } catch {
    return null;
  }
}
