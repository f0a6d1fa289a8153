import type { Kysely } from 'kysely';
import type { StsSchema } from '../storage/schema.ts';

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

interface Notice {
  readonly session: string;
  readonly subject: string;
  readonly client_id: string;
}

/** Longer than any request takes: a token that was under way when its session ended is in the ledger by then. */
const UNDER_WAY_SECONDS = 60;

/** One statement takes no more parameters than this many rows have; what is left comes with the next look. */
const MAXIMUM_ROWS = 500;

/**
 * Writes a row for each client that the ledger shows for an ended session: it asked for a token, or acts for an API that
 * one was for. Runs in the transaction that ends the session, so that the end and the word of it are one.
 */
export async function noticeEndOf(
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
 * are dead, but somebody may hold them. A client that has been told is not told again.
 */
export async function noticeLateTokens(db: Kysely<StsSchema>, options: Options): Promise<void> {
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
    .execute();
  const known = new Set(written.map(nameOf));
  const missing = noticesFor(tokens, options).filter((notice) => !known.has(nameOf(notice)));
  await writeNotices(db, missing.slice(0, MAXIMUM_ROWS), options);
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

async function writeNotices(
  db: Kysely<StsSchema>,
  notices: readonly Notice[],
  { now, logoutLifetimeSeconds = 3600 }: Options,
): Promise<void> {
  if (notices.length === 0) return;
  const dates = { created_at: now, expires_at: now + logoutLifetimeSeconds, next_attempt_at: now };
  await db
    .insertInto('logout_outbox')
    .values(notices.map((notice) => ({ ...notice, ...dates, attempts: 0, delivered_at: null })))
    .onConflict((conflict) => conflict.columns(['session', 'client_id']).doNothing())
    .execute();
}
