import { type Kysely, type RawBuilder, sql } from 'kysely';
import { lifetimes } from '../lifetimes.ts';
import { MAXIMUM_ANCESTORS } from './liveness.ts';
import type { LogoutOutboxTable, StsSchema } from './schema.ts';

/** One back-channel logout that is still to be sent (OpenID Connect Back-Channel Logout 1.0). */
export interface PendingLogout {
  /** The `sid` of the tokens. */
  readonly session: string;
  readonly subject: string;
  readonly clientId: string;
}

/** The clients that act for an API. A logout concerns them when one of the session's tokens was for that API. */
export type ClientsOfAudience = (audience: string) => readonly string[];

export type LogoutOutbox = ReturnType<typeof createLogoutOutbox>;

/** Notices that one receiver gets at once. */
const BATCH = 10;

const RECEIVERS_PER_ROUND = 50;

export function createLogoutOutbox(options: {
  readonly db: Kysely<StsSchema>;
  /** Epoch seconds. */
  readonly now: () => number;
  readonly clientsOfAudience: ClientsOfAudience;
}) {
  const { db, now } = options;

  const deliverTo = async (
    receiver: Receiver,
    send: (logout: PendingLogout) => Promise<void>,
  ): Promise<number> => {
    const rows = await dueOf(receiver.client_id, db, now());
    const outcomes = await Promise.all(rows.map((row) => deliverOne(row, send)));
    const isUnreachable = outcomes.includes('unreachable');
    await db
      .updateTable('logout_receivers')
      .set(
        isUnreachable
          ? { failures: receiver.failures + 1, next_attempt_at: now() + pauseAfter(receiver.failures + 1) }
          : { failures: 0, next_attempt_at: now() },
      )
      .where('client_id', '=', receiver.client_id)
      .execute();
    return rows.length;
  };

  /** A row that was written anew meanwhile (its `attempts` have changed) stays as it is. */
  const deliverOne = async (row: DueRow, send: (logout: PendingLogout) => Promise<void>) => {
    const outcome = await send({ session: row.session, subject: row.subject, clientId: row.client_id }).then(
      () => 'delivered' as const,
      (error: unknown) => (hasAnswer(error) ? ('refused' as const) : ('unreachable' as const)),
    );
    if (outcome === 'unreachable') return outcome;
    await db
      .updateTable('logout_outbox')
      .set(
        outcome === 'delivered'
          ? { delivered_at: now() }
          : { attempts: row.attempts + 1, next_attempt_at: now() + pauseAfter(row.attempts + 1) },
      )
      .where('session', '=', row.session)
      .where('client_id', '=', row.client_id)
      .where('attempts', '=', row.attempts)
      .execute();
    return outcome;
  };

  return {
    /**
     * Sends what is due, and resolves with how many notices were tried. Each receiver is leased to one process, gets a
     * few notices at once, and waits for no other receiver; several calls may run side by side, so that one receiver that
     * hangs delays no other. A notice counts as delivered when `send` resolves. It is due again after 2, 4, 8, …
     * 64 s when `send` rejects with a `response`; without one the receiver did not answer, and all its notices wait as
     * long. The next process goes on with what a process that died had leased.
     */
    async deliver(send: (logout: PendingLogout) => Promise<void>): Promise<number> {
      await enqueueLateLogout(db, { now: now(), clientsOfAudience: options.clientsOfAudience });
      const receivers = await leaseReceivers(db, now());
      const tried = await Promise.all(receivers.map((receiver) => deliverTo(receiver, send)));
      return tried.reduce((sum, count) => sum + count, 0);
    },
  };
}

function pauseAfter(failures: number): number {
  return Math.min(2 ** failures, lifetimes.outboxLongestPauseSeconds);
}

function hasAnswer(error: unknown): boolean {
  return error instanceof Error && 'response' in error;
}

interface Receiver {
  readonly client_id: string;
  readonly failures: number;
}

type DueRow = Pick<LogoutOutboxTable, 'session' | 'client_id' | 'subject' | 'attempts'>;

/** Leases receivers that have something due. The condition is tested again on each row, so two processes never take one. */
async function leaseReceivers(db: Kysely<StsSchema>, now: number): Promise<readonly Receiver[]> {
  const { rows } = await sql<Receiver>`
    update logout_receivers set next_attempt_at = ${now + lifetimes.outboxClaimSeconds}
    where next_attempt_at <= ${now} and client_id in (
      select client_id from logout_receivers receiver
      where next_attempt_at <= ${now} and exists (
        select 1 from logout_outbox notice where notice.client_id = receiver.client_id
          and delivered_at is null and notice.next_attempt_at <= ${now} and expires_at > ${now}
      ) order by next_attempt_at limit ${sql.lit(RECEIVERS_PER_ROUND)}
    ) returning client_id, failures`.execute(db);
  return rows;
}

function dueOf(clientId: string, db: Kysely<StsSchema>, now: number): Promise<readonly DueRow[]> {
  return db
    .selectFrom('logout_outbox')
    .select(['session', 'client_id', 'subject', 'attempts'])
    .where('client_id', '=', clientId)
    .where('delivered_at', 'is', null)
    .where('next_attempt_at', '<=', now)
    .where('expires_at', '>', now)
    .orderBy('next_attempt_at')
    .limit(BATCH)
    .execute();
}

interface NoticeOptions {
  readonly clientsOfAudience: ClientsOfAudience;
  /** Epoch seconds. */
  readonly now: number;
}

interface IssuedOfSession {
  readonly session: string;
  readonly subject: string;
  readonly client_id: string;
  readonly audience: string | null;
}

type Notice = Omit<IssuedOfSession, 'audience'>;

/** One statement takes no more parameters than this many rows have; what is left comes with the next look. */
const MAXIMUM_ROWS = 500;

/**
 * Writes a notice for each client of an ended session: the user signed in to it, it asked for a token, or it acts for an API
 * that one was for. Runs in the transaction that ends the session.
 */
export async function enqueueSessionLogout(
  db: Kysely<StsSchema>,
  { session, subject }: { readonly session: string; readonly subject: string },
  signedInto: readonly string[],
  options: NoticeOptions,
): Promise<void> {
  const tokens = await db
    .selectFrom('ledger')
    .select(['client_id', 'audience'])
    .distinct()
    .where('session', '=', session)
    .where('outcome', '=', 'issued')
    .execute();
  const clients = signedInto.map((client_id) => ({ client_id, audience: null }));
  const issued = [...tokens, ...clients].map((token) => ({ ...token, session, subject }));
  await writeNotices(db, noticesFor(issued, options), options.now);
}

/**
 * The same for tokens that were recorded while their session was being ended, which that transaction could not see: they
 * are inactive, but clients may hold them. A client that was told of the end is not told again.
 */
async function enqueueLateLogout(db: Kysely<StsSchema>, options: NoticeOptions): Promise<void> {
  const since = options.now - lifetimes.longestRequestSeconds;
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
    // An earlier notice was about a token that was revoked while the session went on.
    .whereRef('logout_outbox.created_at', '>=', 'logins.ended_at')
    .execute();
  const known = new Set(written.map(nameOf));
  const missing = noticesFor(tokens, options).filter((notice) => !known.has(nameOf(notice)));
  await writeNotices(db, missing.slice(0, MAXIMUM_ROWS), options.now);
}

/**
 * The same for tokens that are revoked while their session goes on; `revoked` says which rows of the ledger. Told are the
 * clients that may hold something that hangs from them: those of the tokens below, and those that act for an API that one
 * of them is for, since an exchange may be under way. The clients of the revoked tokens themselves only on request.
 * A token without a session has no `sid` to tell it by.
 */
export async function enqueueRevocation(
  db: Kysely<StsSchema>,
  revoked: RawBuilder<boolean>,
  options: NoticeOptions & { readonly notifyHolders: boolean },
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
  const told = options.notifyHolders ? notices : notices.filter(({ client_id }) => !holders.has(client_id));
  await writeNotices(db, told, options.now);
}

function noticesFor(
  tokens: readonly IssuedOfSession[],
  { clientsOfAudience }: NoticeOptions,
): readonly Notice[] {
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

/** A client that was told before is told again. Always in one order, so that two transactions never wait for each other. */
async function writeNotices(db: Kysely<StsSchema>, notices: readonly Notice[], now: number): Promise<void> {
  if (notices.length === 0) return;
  const dates = {
    created_at: now,
    expires_at: now + lifetimes.logoutNoticeSeconds,
    next_attempt_at: now,
    delivered_at: null,
  };
  const inOrder = notices.toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
  await db
    .insertInto('logout_outbox')
    .values(inOrder.map((notice) => ({ ...notice, ...dates, attempts: 0 })))
    .onConflict((conflict) =>
      conflict.columns(['session', 'client_id']).doUpdateSet((update) => ({
        ...dates,
        // Makes a notice that is being sent at this moment count for nothing.
        attempts: update('logout_outbox.attempts', '+', 1),
      })),
    )
    .execute();
  const receivers = [...new Set(notices.map(({ client_id }) => client_id))].toSorted();
  await db
    .insertInto('logout_receivers')
    .values(receivers.map((client_id) => ({ client_id, failures: 0, next_attempt_at: 0 })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
