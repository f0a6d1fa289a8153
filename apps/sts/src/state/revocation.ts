import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import { type LogoutNoticeOptions, enqueueSessionLogout, enqueueRevocation } from './logout-outbox.ts';
import type { StsSchema } from './schema.ts';

/**
 * Ends things. Each method is one transaction, and writes in the same one whom a back-channel logout is to tell: of a
 * session all its clients, of anything less the clients that may hold what hangs from it.
 */
export interface Revocation {
  /** Logout, or the user's or an operator's word. False when there was no such live session (of that subject, when given). */
  endSession(session: string, options?: { subject?: string }): Promise<boolean>;
  endAllSessionsOf(subject: string): Promise<number>;
  /** Ends one client's grant in one session with all its tokens and descendants. */
  endGrant(grantId: string): Promise<void>;
  /** Ends one access token and what was derived from it. False when nothing of that jti was issued. */
  revokeToken(jti: string): Promise<boolean>;
  /**
   * Ends a delegated token, with all that its actor holds for that audience in that session, and delegation_blocks the actor from the
   * audience for the rest of it. False when it is not that subject's.
   */
  revokeDelegation(jti: string, subject: string): Promise<boolean>;
}

export interface RevocationOptions extends LogoutNoticeOptions {
  readonly db: Kysely<StsSchema>;
  /** Epoch seconds. */
  readonly now: () => number;
}

export interface RevocationParts extends Revocation {
  /** `endAllSessionsOf` within a transaction of the caller. */
  endAllSessionsWithin(transaction: Transaction<StsSchema>, subject: string): Promise<number>;
  /** Everything signed in or issued up to now is dead, for good: after a back-up was restored, or a database read by strangers. */
  revokeAllBefore(): Promise<void>;
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
      await transaction.deleteFrom('oidc_records').where('session', '=', login.session).execute();
      await enqueueSessionLogout(transaction, login, { ...options, now: now() });
    }
    return ended.filter((login) => login.expires_at > now()).length;
  };

  const endAllSessionsWithin = async (transaction: Transaction<StsSchema>, subject: string) => {
    // Whoever has shown the password by now and has not come back from the sign-in page yet is to be stopped, too.
    await transaction
      .updateTable('users')
      .set({ sessions_ended_at: now() })
      .where('id', '=', subject)
      .execute();
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
      db.transaction().execute(async (transaction) => {
        const session = await endGrantRecords(transaction, grantId, now());
        if (session === undefined) return;
        const ofGrant = sql<boolean>`session = ${session} and grant_id = ${grantId}`;
        await enqueueRevocation(transaction, ofGrant, { ...options, now: now(), tellHolders: false });
      }),

    revokeToken: (jti) =>
      db.transaction().execute(async (transaction) => {
        const which = sql<boolean>`id = ${jti}`;
        const found = await revoke(transaction, which, now());
        await enqueueRevocation(transaction, which, { ...options, now: now(), tellHolders: false });
        return found;
      }),

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
        const { session, actor, audience } = row;
        if (session === null || actor === null || audience === null) {
          return revoke(transaction, sql`id = ${jti}`, now());
        }
        const held = sql<boolean>`session = ${session} and actor = ${actor} and audience = ${audience}
          and (expires_at > ${now()} or id = ${jti})`;
        await revoke(transaction, held, now());
        await enqueueRevocation(transaction, held, { ...options, now: now(), tellHolders: true });
        await transaction
          .insertInto('delegation_blocks')
          .values({ session, actor, audience, created_at: now() })
          .onConflict((conflict) => conflict.columns(['session', 'actor', 'audience']).doNothing())
          .execute();
        return true;
      }),

    async revokeAllBefore() {
      // What comes within the rest of this second is dead too, rather than what came before in it alive.
      const not_before = now() + 1;
      await db
        .insertInto('global_revocation')
        .values({ id: 1, not_before })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ not_before }))
        .execute();
    },
  };
}

/** The first revocation's time stands. False when there is no such token that was issued here. */
async function revoke(db: Kysely<StsSchema>, which: RawBuilder<boolean>, now: number): Promise<boolean> {
  const { rows } = await sql`
    update ledger set revoked_at = coalesce(revoked_at, ${now}) where ${which} and outcome = 'issued' returning 1
  `.execute(db);
  return rows.length > 0;
}

/**
 * Ends a client's grant for good: its records go, and what was derived from it finds it ended. Runs within the caller's
 * transaction, if there is one; the note comes first, so that calls at the same time wait for one another.
 * Resolves with the session that the grant was part of, unless none of its records is left.
 */
export async function endGrantRecords(
  db: Kysely<StsSchema>,
  grantId: string,
  now: number,
): Promise<string | undefined> {
  await db
    .insertInto('grant_ends')
    .values({ grant_id: grantId, ended_at: now })
    .onConflict((conflict) => conflict.column('grant_id').doNothing())
    .execute();
  const ended = await db
    .deleteFrom('oidc_records')
    .where('grant_id', '=', grantId)
    .returning('session')
    .execute();
  return ended.find(({ session }) => session !== null)?.session ?? undefined;
}

export interface Login {
  readonly session: string;
  readonly subject: string;
  readonly signedInAt: number;
  readonly expiresAt: number;
}

/**
 * Notes a login, or prolongs it. An ended login stays ended, whatever is saved later, and one that
 * began before all of the user's sessions were ended has ended with them.
 * Throws when the session was another user's: oidc-provider gives a new user a new session.
 */
export async function saveLogin(db: Kysely<StsSchema>, login: Login): Promise<void> {
  const row = await db
    .insertInto('logins')
    .values({
      session: login.session,
      subject: login.subject,
      signed_in_at: login.signedInAt,
      expires_at: login.expiresAt,
      ended_at: (select) =>
        select
          .selectFrom('users')
          .select('sessions_ended_at')
          .where('id', '=', login.subject)
          .where('sessions_ended_at', '>', login.signedInAt),
      browser: null,
    })
    .onConflict((conflict) => conflict.column('session').doUpdateSet({ expires_at: login.expiresAt }))
    .returning('subject')
    .executeTakeFirstOrThrow();
  if (row.subject !== login.subject) throw new Error('a login session changed its user');
}

/** In which browser that session was signed in to last. */
export async function saveBrowser(db: Kysely<StsSchema>, session: string, browser: string): Promise<void> {
  await db.updateTable('logins').set({ browser }).where('session', '=', session).execute();
}
