import type { Kysely, Transaction } from 'kysely';
import { endGrantRecords } from '../storage/grant-ends.ts';
import type { StsSchema } from '../storage/schema.ts';
import type { Revocation } from './types.ts';

export interface RevocationOptions {
  readonly db: Kysely<StsSchema>;
  /** Epoch seconds. */
  readonly now: () => number;
  /** The clients that act for an API: whom a logout concerns when one of the session's tokens was for that API. */
  readonly clientsOfAudience: (audience: string) => readonly string[];
  /** How long a back-channel logout is tried. Default 3600. */
  readonly logoutLifetimeSeconds?: number;
}

export interface RevocationParts extends Revocation {
  /** `endAllSessionsOf` within a transaction of the caller. */
  endAllSessionsWithin(transaction: Transaction<StsSchema>, subject: string): Promise<number>;
  /** Everything signed in or issued up to now is dead, for good: after a back-up was restored, or a database read by strangers. */
  raiseEpoch(): Promise<void>;
}

export function createRevocation(options: RevocationOptions): RevocationParts {
  const { db, now } = options;

  const endLogins = async (
    transaction: Transaction<StsSchema>,
    which: { session?: string; subject?: string },
  ) => {
    let ending = transaction.updateTable('logins').set({ ended_at: now() }).where('ended_at', 'is', null);
    if (which.session !== undefined) ending = ending.where('session', '=', which.session);
    if (which.subject !== undefined) ending = ending.where('subject', '=', which.subject);
    const ended = await ending.returning(['session', 'subject', 'expires_at']).execute();
    for (const login of ended) {
      await transaction.deleteFrom('engine_records').where('session', '=', login.session).execute();
      await writeOutbox(transaction, login, options);
    }
    return ended.filter((login) => login.expires_at > now()).length;
  };

  const endAllSessionsWithin = async (transaction: Transaction<StsSchema>, subject: string) => {
    // Tokens that came from a trusted issuer hang from no session of ours.
    await transaction
      .updateTable('ledger')
      .set({ revoked_at: now() })
      .where('subject', '=', subject)
      .where('session', 'is', null)
      .where('expires_at', '>', now())
      .where('revoked_at', 'is', null)
      .execute();
    return endLogins(transaction, { subject });
  };

  return {
    endAllSessionsWithin,

    endSession: (session, { subject } = {}) =>
      db.transaction().execute(async (transaction) => {
        const which = subject === undefined ? { session } : { session, subject };
        return (await endLogins(transaction, which)) > 0;
      }),

    endAllSessionsOf: (subject) =>
      db.transaction().execute((transaction) => endAllSessionsWithin(transaction, subject)),

    endGrant: (grantId) =>
      db.transaction().execute((transaction) => endGrantRecords(transaction, grantId, now())),

    revokeToken: (jti) => revoke(db, jti, now()),

    revokeDelegation: (jti, subject) =>
      db.transaction().execute(async (transaction) => {
        const row = await transaction
          .selectFrom('ledger')
          .select(['session', 'actor', 'audience'])
          .where('id', '=', jti)
          .where('subject', '=', subject)
          .where('outcome', '=', 'issued')
          .where('actor', 'is not', null)
          .executeTakeFirst();
        if (row === undefined) return false;
        await revoke(transaction, jti, now());
        const { session, actor, audience } = row;
        if (session === null || actor === null || audience === null) return true;
        await transaction
          .insertInto('bars')
          .values({ session, actor, audience, created_at: now() })
          .onConflict((conflict) => conflict.columns(['session', 'actor', 'audience']).doNothing())
          .execute();
        return true;
      }),

    async raiseEpoch() {
      // What comes within the rest of this second is dead too, rather than what came before in it alive.
      const not_before = now() + 1;
      await db
        .insertInto('revocation_epoch')
        .values({ id: 1, not_before })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ not_before }))
        .execute();
    },
  };
}

/** The first revocation's time stands. False when no token of that jti was issued here. */
async function revoke(db: Kysely<StsSchema>, jti: string, now: number): Promise<boolean> {
  const row = await db
    .updateTable('ledger')
    .set((update) => ({ revoked_at: update.fn.coalesce('revoked_at', update.val(now)) }))
    .where('id', '=', jti)
    .where('outcome', '=', 'issued')
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** One row for each client that the ledger shows for the session: it asked for a token, or acts for an API that one was for. */
async function writeOutbox(
  transaction: Transaction<StsSchema>,
  login: { readonly session: string; readonly subject: string },
  options: RevocationOptions,
): Promise<void> {
  const tokens = await transaction
    .selectFrom('ledger')
    .select(['client_id', 'audience'])
    .distinct()
    .where('session', '=', login.session)
    .where('outcome', '=', 'issued')
    .execute();
  const concerned = new Set<string>();
  for (const { client_id, audience } of tokens) {
    concerned.add(client_id);
    if (audience !== null) for (const id of options.clientsOfAudience(audience)) concerned.add(id);
  }
  if (concerned.size === 0) return;
  const created_at = options.now();
  const rows = [...concerned].map((client_id) => ({
    session: login.session,
    client_id,
    subject: login.subject,
    created_at,
    expires_at: created_at + (options.logoutLifetimeSeconds ?? 3600),
    attempts: 0,
    next_attempt_at: created_at,
    delivered_at: null,
  }));
  await transaction
    .insertInto('logout_outbox')
    .values(rows)
    .onConflict((conflict) => conflict.columns(['session', 'client_id']).doNothing())
    .execute();
}
