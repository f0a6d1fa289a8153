import { type Kysely, type RawBuilder, sql } from 'kysely';
import { MAXIMUM_ANCESTORS } from './liveness.ts';
import type { StsSchema } from './schema.ts';

/** One back-channel logout that is still to be told (OpenID Connect Back-Channel Logout 1.0). */
export interface PendingLogout {
  /** The `sid` of the tokens. */
  readonly session: string;
  readonly subject: string;
  readonly clientId: string;
}

export interface OutboxOptions extends LogoutNoticeOptions {
  readonly db: Kysely<StsSchema>;
  /** Epoch seconds. */
  readonly now: () => number;
}

export interface LogoutOutbox {
  /**
   * Sends what is due, each row by one process, and resolves with how many rows were taken. A row counts as delivered
   * when `send` resolves, also for a client that has no logout address; when it rejects, the row is due again later,
   * after 2, 4, 8, … 64 seconds, until it expires. A row that was written anew meanwhile stays due. A process that dies while sending leaves the row to the next one.
   */
  deliver(send: (logout: PendingLogout) => Promise<void>): Promise<number>;
}

/** Longer than any `send` may take, so that a row is not sent twice. */
const CLAIM_SECONDS = 60;

const LONGEST_PAUSE_SECONDS = 64;

const BATCH = 20;

export function createLogoutOutbox(options: OutboxOptions): LogoutOutbox {
  const { db, now } = options;
  /** Nothing of a row that somebody wrote to since it was claimed. */
  const settle = ({ session, client_id, attempts }: DueRow, outcome: Settled) =>
    db
      .updateTable('logout_outbox')
      .set(outcome)
      .where('session', '=', session)
      .where('client_id', '=', client_id)
      .where('attempts', '=', attempts)
      .execute();

  const pauseAfter = (attempts: number) => Math.min(2 ** attempts, LONGEST_PAUSE_SECONDS);

  return {
    async deliver(send) {
      await enqueueLateLogout(db, { ...options, now: now() });
      const claimed = await takeDue(db, now());
      await Promise.all(
        claimed.map(async (row) => {
          const logout = { session: row.session, subject: row.subject, clientId: row.client_id };
          const delivered = await send(logout).then(
            () => true,
            () => false,
          );
          await settle(
            row,
            delivered ? { delivered_at: now() } : { next_attempt_at: now() + pauseAfter(row.attempts) },
          );
        }),
      );
      return claimed.length;
    },
  };
}

type Settled = { readonly delivered_at: number } | { readonly next_attempt_at: number };

interface DueRow {
  readonly session: string;
  readonly client_id: string;
  readonly subject: string;
  readonly attempts: number;
}

/** Takes due rows by putting off their next attempt. The condition is tested again on each row, so two processes never take one. */
async function takeDue(db: Kysely<StsSchema>, now: number): Promise<readonly DueRow[]> {
  const due = sql<boolean>`delivered_at is null and next_attempt_at <= ${now} and expires_at > ${now}`;
  const { rows } = await sql<DueRow>`
    update logout_outbox set next_attempt_at = ${now + CLAIM_SECONDS}, attempts = attempts + 1
    where ${due} and (session, client_id) in (
      select session, client_id from logout_outbox where ${due} order by next_attempt_at limit ${sql.lit(BATCH)}
    ) returning session, client_id, subject, attempts`.execute(db);
  return rows;
}

export interface LogoutNoticeOptions {
  /** The clients that act for an API: whom a logout concerns when one of the session's tokens was for that API. */
  readonly clientsOfAudience: (audience: string) => readonly string[];
  /** How long a back-channel logout is tried. Default 3600. */
  readonly logoutLifetimeSeconds?: number;
}

type Options = LogoutNoticeOptions & { readonly now: number };

interface IssuedOfSession {
  readonly session: string;
  readonly subject: string;
  readonly client_id: string;
  readonly audience: string | null;
}

type Notice = Omit<IssuedOfSession, 'audience'>;

/** Longer than any request takes: a token that was under way when its session ended is in the ledger by then. */
const UNDER_WAY_SECONDS = 60;

/** One statement takes no more parameters than this many rows have; what is left comes with the next look. */
const MAXIMUM_ROWS = 500;

/**
 * Writes a row for each client that the ledger shows for an ended session: it asked for a token, or acts for an API that
 * one was for. Runs in the transaction that ends the session, so that the end and the word of it are one.
 */
export async function enqueueSessionLogout(
  db: Kysely<StsSchema>,
  login: { readonly session: string; readonly subject: string },
  options: Options,
): Promise<void> {
  const tokens = await db
    .selectFrom('ledger')
    .select(['client_id', 'audience'])
    .distinct()
    .where('session', '=', login.session)
    .where('outcome', '=', 'issued')
    .execute();
  const issued = tokens.map((token) => ({ ...token, ...login }));
  await writeNotices(db, noticesFor(issued, options), options);
}

/**
 * The same for tokens that were recorded while their session was being ended: that transaction could not see them. They
 * are dead, but somebody may hold them. A client that has been told of the end is not told again.
 */
export async function enqueueLateLogout(db: Kysely<StsSchema>, options: Options): Promise<void> {
  const since = options.now - UNDER_WAY_SECONDS;
  const tokens = await db
    .selectFrom('logins')
    .innerJoin('ledger', 'ledger.session', 'logins.session')
    .select(['logins.session', 'logins.subject', 'ledger.client_id', 'ledger.audience'])
    .distinct()
    .where('logins.ended_at', '>=', since)
    .where('ledger.at', '>=', since)
    .where('ledger.outcome', '=', 'issued')
    .execute();
  if (tokens.length === 0) return;
  const written = await db
    .selectFrom('logout_outbox')
    .innerJoin('logins', 'logins.session', 'logout_outbox.session')
    .select(['logout_outbox.session', 'logout_outbox.client_id'])
    .where('logins.ended_at', '>=', since)
    // An earlier one was about a token that was revoked while the session went on.
    .whereRef('logout_outbox.created_at', '>=', 'logins.ended_at')
    .execute();
  const known = new Set(written.map(nameOf));
  const missing = noticesFor(tokens, options).filter((notice) => !known.has(nameOf(notice)));
  await writeNotices(db, missing.slice(0, MAXIMUM_ROWS), options);
}

/**
 * The same for tokens that are revoked while their session goes on; `revoked` says which rows of the ledger. Told is who
 * may hold something that hangs from them: the clients of the tokens below, and those that act for an API that one of
 * them is for, since an exchange may be under way. The clients that held the revoked ones themselves only on request.
 * A token without a session has no name to tell it by.
 */
export async function enqueueRevocation(
  db: Kysely<StsSchema>,
  revoked: RawBuilder<boolean>,
  options: Options & { readonly tellHolders: boolean },
): Promise<void> {
  const { rows } = await sql<IssuedOfSession & { readonly depth: number }>`
    with recursive token (depth, id, session, subject, client_id, audience) as (
      select 0, id, session, subject, client_id, audience from ledger
      where ${revoked} and outcome = 'issued' and session is not null
      union all
      select token.depth + 1, down.id, down.session, down.subject, down.client_id, down.audience
      from token join ledger down on down.parent = token.id and down.outcome = 'issued'
      where down.expires_at > ${options.now} and token.depth < ${sql.lit(MAXIMUM_ANCESTORS)}
    )
    select distinct depth, session, subject, client_id, audience from token`.execute(db);
  const holders = new Set(rows.filter(({ depth }) => depth === 0).map(({ client_id }) => client_id));
  const notices = noticesFor(rows, options);
  const told = options.tellHolders ? notices : notices.filter(({ client_id }) => !holders.has(client_id));
  await writeNotices(db, told, options);
}

function noticesFor(tokens: readonly IssuedOfSession[], { clientsOfAudience }: Options): readonly Notice[] {
  const notices = new Map<string, Notice>();
  for (const { session, subject, client_id: asked, audience } of tokens) {
    for (const client_id of [asked, ...(audience === null ? [] : clientsOfAudience(audience))]) {
      const notice = { session, subject, client_id };
      notices.set(nameOf(notice), notice);
    }
  }
  return [...notices.values()];
}

function nameOf({ session, client_id }: Pick<Notice, 'session' | 'client_id'>): string {
  return `${session} ${client_id}`;
}

/** A client that has been told before is told again. Always in one order, so that two transactions never wait for each other. */
async function writeNotices(
  db: Kysely<StsSchema>,
  notices: readonly Notice[],
  { now, logoutLifetimeSeconds = 3600 }: Options,
): Promise<void> {
  if (notices.length === 0) return;
  const dates = { created_at: now, expires_at: now + logoutLifetimeSeconds, next_attempt_at: now };
  const inOrder = notices.toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
  await db
    .insertInto('logout_outbox')
    .values(inOrder.map((notice) => ({ ...notice, ...dates, attempts: 0, delivered_at: null })))
    .onConflict((conflict) =>
      conflict.columns(['session', 'client_id']).doUpdateSet((update) => ({
        ...dates,
        delivered_at: null,
        // What is being sent at this moment does not count for it.
        attempts: update('logout_outbox.attempts', '+', 1),
      })),
    )
    .execute();
}
