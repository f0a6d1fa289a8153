import { sql, type Kysely } from 'kysely';
import type { StsSchema } from '../storage/schema.ts';
import { noticeLateTokens, type LogoutNoticeOptions } from './logout-notices.ts';

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
  const settle = ({ session, client_id, attempts }: ClaimedRow, outcome: Settled) =>
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
      await noticeLateTokens(db, { ...options, now: now() });
      const claimed = await claim(db, now());
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

interface ClaimedRow {
  readonly session: string;
  readonly client_id: string;
  readonly subject: string;
  readonly attempts: number;
}

/** Takes due rows by putting off their next attempt. The condition is tested again on each row, so two processes never take one. */
async function claim(db: Kysely<StsSchema>, now: number): Promise<readonly ClaimedRow[]> {
  const due = sql<boolean>`delivered_at is null and next_attempt_at <= ${now} and expires_at > ${now}`;
  const { rows } = await sql<ClaimedRow>`
    update logout_outbox set next_attempt_at = ${now + CLAIM_SECONDS}, attempts = attempts + 1
    where ${due} and (session, client_id) in (
      select session, client_id from logout_outbox where ${due} order by next_attempt_at limit ${sql.lit(BATCH)}
    ) returning session, client_id, subject, attempts`.execute(db);
  return rows;
}
