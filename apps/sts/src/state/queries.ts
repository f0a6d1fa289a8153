import { type Kysely, type Selectable, sql } from 'kysely';
import { statusesOf } from './liveness.ts';
import { IS_DELEGATION, isStorable, type LedgerTable, type StsSchema } from './schema.ts';

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
  /** Whether the token would be taken now (RFC 7662): not expired, and neither it nor anything it hangs from has ended. */
  readonly active: boolean;
  /** The `id` of the login session that it hangs from; null for a chain without one. */
  readonly session: string | null;
  /** The user has taken from this client the right to act there, for the rest of that session. */
  readonly blocked: boolean;
}

export interface SessionRow {
  readonly id: string;
  readonly client_ids: readonly string[];
  readonly signed_in_at: number;
  /** `Firefox on Linux`, as the browser said at the sign-in; null when that is not known. */
  readonly browser: string | null;
  readonly current: boolean;
}

/** A row as operators see it. */
export interface OperatorRow extends DelegationRow {
  readonly subject: string | null;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Opaque; null on the last page. */
  readonly next: string | null;
}

interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

const MAXIMUM_PAGE = 100;

export type LedgerQueries = ReturnType<typeof createLedgerQueries>;

/** The lists that users and operators read, newest first, at most 100 rows at once. `now` is in epoch seconds. */
export function createLedgerQueries(db: Kysely<StsSchema>, now: () => number) {
  const newestFirst = () =>
    db.selectFrom('ledger').selectAll().orderBy('sequence', 'desc').orderBy('id', 'desc');

  const page = async (
    query: ReturnType<typeof newestFirst>,
    { limit, cursor }: PageRequest,
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

  const rowsOf = async <Row>(
    found: readonly Selectable<LedgerTable>[],
    format: (row: Selectable<LedgerTable>, standing: Standing) => Row,
  ): Promise<readonly Row[]> => {
    const issued = found.filter(({ outcome }) => outcome === 'issued').map(({ id }) => id);
    const statuses = await statusesOf(db, issued, now());
    const blocks = await blocksOf(db, [...new Set(found.flatMap(({ subject }) => subject ?? []))], now());
    return found.map((row) =>
      format(row, { active: statuses.get(row.id)?.active === true, blocked: blocks.has(blockKeyOf(row)) }),
    );
  };

  return {
    /** The delegations of a user, issued or refused. Null for a malformed cursor. */
    async delegationsOf(subject: string, wanted: PageRequest): Promise<Page<DelegationRow> | null> {
      const query = newestFirst().where('subject', '=', subject).where(IS_DELEGATION);
      const found = await page(query, wanted);
      return found && { rows: await rowsOf(found.rows, delegationRow), next: found.next };
    },

    /** The live ones; `currentSession` is always among them. */
    async sessionsOf(subject: string, currentSession: string | undefined): Promise<readonly SessionRow[]> {
      const logins = await db
        .selectFrom('logins')
        .innerJoin('users', 'users.id', 'logins.subject')
        .innerJoin('server', (join) => join.onTrue())
        .select(['session', 'signed_in_at', 'browser'])
        .where('subject', '=', subject)
        .where('ended_at', 'is', null)
        .where('expires_at', '>', now())
        .whereRef('server_generation', '=', 'server.generation')
        .whereRef('user_generation', '=', 'users.generation')
        // The session that asks comes first, so that the limit never cuts it off.
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
      const live = logins.toSorted((one, other) => other.signed_in_at - one.signed_in_at);
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

    /** Issued and refused alike. Null for a malformed cursor. */
    async list(
      { subject }: { readonly subject?: string },
      wanted: PageRequest,
    ): Promise<Page<OperatorRow> | null> {
      const query = subject === undefined ? newestFirst() : newestFirst().where('subject', '=', subject);
      const found = await page(query, wanted);
      return found && { rows: await rowsOf(found.rows, operatorRow), next: found.next };
    },

    /** The token of that jti, or what was refused to that request id, and the status of the newest issued token among it. */
    async explain(jtiOrRequestId: string) {
      const rows = await newestFirst()
        .where((where) =>
          where.or([
            where('id', '=', jtiOrRequestId),
            where.and([where('request_id', '=', jtiOrRequestId), where('outcome', '=', 'refused')]),
          ]),
        )
        .limit(MAXIMUM_PAGE)
        .execute();
      const issued = rows.find((row) => row.outcome === 'issued');
      const statuses = await statusesOf(db, issued === undefined ? [] : [issued.id], now());
      return {
        rows: await rowsOf(rows, (row, standing) => ({
          ...operatorRow(row, standing),
          error: row.error,
          detail: row.detail,
        })),
        status: statuses.get(issued?.id ?? '') ?? null,
      };
    },
  };
}

/**
 * By session, the clients that the user signed in to, not those that acted later on. It jumps through the index from one
 * client to the next, because a session may have any number of tokens.
 */
async function clientsSignedInto(
  db: Kysely<StsSchema>,
  sessions: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (sessions.length === 0) return new Map();
  const next = (session: string, after: string) => sql`(
    select min(client_id) from ledger where ledger.session = ${sql.ref(session)}
      and ledger.client_id > ${after === '' ? sql.lit('') : sql.ref(after)}
      and (outcome = 'issued' and actor is null))`;
  const { rows } = await sql<{ session: string; client_id: string }>`
    with recursive pair (session, client_id) as (
      select logins.session, ${next('logins.session', '')} from logins where logins.session in (${sql.join(sessions)})
      union all
      select pair.session, ${next('pair.session', 'pair.client_id')} from pair where pair.client_id is not null
    ) select session, client_id from pair where client_id is not null order by client_id`.execute(db);
  const bySession = Map.groupBy(rows, ({ session }) => session);
  return new Map(
    [...bySession].map(([session, pairs]) => [session, pairs.map(({ client_id }) => client_id)]),
  );
}

type Standing = Pick<DelegationRow, 'active' | 'blocked'>;

/** The actors that these users have blocked, as `blockKeyOf` names them. */
async function blocksOf(
  db: Kysely<StsSchema>,
  subjects: readonly string[],
  now: number,
): Promise<ReadonlySet<string>> {
  if (subjects.length === 0) return new Set();
  const blocks = await db
    .selectFrom('delegation_blocks')
    .select(['subject', 'session', 'actor', 'audience'])
    .where('subject', 'in', subjects)
    .where('expires_at', '>', now)
    .execute();
  return new Set(blocks.map((block) => blockKeyOf({ ...block, client_id: block.actor })));
}

function blockKeyOf(
  row: Pick<LedgerTable, 'subject' | 'session' | 'actor' | 'audience' | 'client_id'>,
): string {
  return JSON.stringify([row.subject, row.session ?? '', row.actor ?? row.client_id, row.audience]);
}

function delegationRow(row: Selectable<LedgerTable>, { active, blocked }: Standing): DelegationRow {
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
    active,
    session: row.session,
    blocked,
  };
}

function operatorRow(row: Selectable<LedgerTable>, standing: Standing): OperatorRow {
  return { ...delegationRow(row, standing), subject: row.subject };
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
