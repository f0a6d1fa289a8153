import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import { lifetimes } from '../lifetimes.ts';
import { type ClientsOfAudience, enqueueRevocation, enqueueSessionLogout } from './logout-outbox.ts';
import { IS_DELEGATION, type StsSchema } from './schema.ts';
import type { Generation } from './users.ts';

export type Revocation = ReturnType<typeof createRevocation>;

/**
 * Ends things. Each method is one transaction, in which it also writes down who is to be told by back-channel logout: of
 * a session all its clients, of anything less the clients that may hold what hangs from it. `now` is in epoch seconds.
 */
export function createRevocation(options: {
  readonly db: Kysely<StsSchema>;
  readonly now: () => number;
  readonly clientsOfAudience: ClientsOfAudience;
}) {
  const { db, now } = options;
  const notices = () => ({ now: now(), clientsOfAudience: options.clientsOfAudience });

  const endLogins = async (
    transaction: Transaction<StsSchema>,
    which: { readonly session?: string | undefined; readonly subject?: string | undefined },
  ): Promise<number> => {
    let ending = transaction.updateTable('logins').set({ ended_at: now() }).where('ended_at', 'is', null);
    if (which.session !== undefined) ending = ending.where('session', '=', which.session);
    if (which.subject !== undefined) ending = ending.where('subject', '=', which.subject);
    const ended = await ending.returning(['session', 'subject', 'expires_at']).execute();
    for (const login of ended) {
      const records = await transaction
        .deleteFrom('oidc_records')
        .where('session', '=', login.session)
        .returning(['model', 'payload'])
        .execute();
      await enqueueSessionLogout(transaction, login, clientsSignedInto(records), notices());
    }
    return ended.filter((login) => login.expires_at > now()).length;
  };

  /** Ends all of a user within a transaction of the caller's, also a sign-in whose password has been checked already. */
  const endAllSessionsWithin = async (
    transaction: Transaction<StsSchema>,
    subject: string,
  ): Promise<number> => {
    await transaction
      .updateTable('users')
      .set((column) => ({ generation: column('generation', '+', 1) }))
      .where('id', '=', subject)
      .execute();
    // Tokens that came from a trusted issuer hang from no session of ours.
    await transaction
      .updateTable('ledger')
      .set({ revoked_at: now() })
      .where('subject', '=', subject)
      .where(IS_DELEGATION)
      .where('session', 'is', null)
      .where('expires_at', '>', now())
      .where('revoked_at', 'is', null)
      .execute();
    return endLogins(transaction, { subject });
  };

  return {
    endAllSessionsWithin,

    /** Logout, or the user's or an operator's word. False when there was no such live session (of that subject, when given). */
    endSession: (session: string, { subject }: { readonly subject?: string } = {}): Promise<boolean> =>
      db
        .transaction()
        .execute(async (transaction) => (await endLogins(transaction, { session, subject })) > 0),

    /** The upstream's word: ends the sessions that began with one there, or all that a user began there. */
    endUpstreamLogins: (
      which: { readonly upstream: string } | { readonly issuer: string; readonly subject: string },
    ): Promise<void> =>
      db.transaction().execute(async (transaction) => {
        const logins = transaction.selectFrom('logins').select('session').where('ended_at', 'is', null);
        const ending =
          'upstream' in which
            ? logins.where('upstream', '=', which.upstream)
            : logins
                .where('subject', '=', which.subject)
                .where(sql<boolean>`substr(upstream, 1, ${which.issuer.length + 1}) = ${`${which.issuer}#`}`);
        for (const { session } of await ending.execute()) await endLogins(transaction, { session });
      }),

    endAllSessionsOf: (subject: string): Promise<number> =>
      db.transaction().execute((transaction) => endAllSessionsWithin(transaction, subject)),

    /** Ends one client's grant in one session with all its tokens and descendants. */
    endGrant: (grantId: string): Promise<void> =>
      db.transaction().execute(async (transaction) => {
        const session = await endGrantRecords(transaction, grantId, now());
        if (session === undefined) return;
        const ofGrant = sql<boolean>`session = ${session} and grant_id = ${grantId}`;
        await enqueueRevocation(transaction, ofGrant, { ...notices(), notifyHolders: false });
      }),

    /** Ends one access token and what was derived from it. False when nothing of that jti was issued. */
    revokeToken: (jti: string): Promise<boolean> =>
      db.transaction().execute(async (transaction) => {
        const which = sql<boolean>`id = ${jti}`;
        const found = await revoke(transaction, which, now());
        await enqueueRevocation(transaction, which, { ...notices(), notifyHolders: false });
        return found;
      }),

    /**
     * Ends a delegated token with all that its actor holds for that user and audience in that session, and blocks the
     * actor there for the rest of the session. Of a chain without a session it ends all such chains of the user, and the
     * block lasts as long as a session would. False when the token is not that subject's.
     */
    revokeDelegation: (jti: string, subject: string): Promise<boolean> =>
      db.transaction().execute(async (transaction) => {
        const row = await transaction
          .selectFrom('ledger')
          .leftJoin('logins', 'logins.session', 'ledger.session')
          .select(['ledger.session', 'actor', 'audience', 'logins.expires_at'])
          .where('id', '=', jti)
          .where('ledger.subject', '=', subject)
          .where('outcome', '=', 'issued')
          .where('actor', 'is not', null)
          .executeTakeFirst();
        if (row === undefined) return false;
        const { session, actor, audience } = row;
        if (actor === null || audience === null) return revoke(transaction, sql`id = ${jti}`, now());
        const held = sql<boolean>`subject = ${subject} and session is not distinct from ${session}
          and actor = ${actor} and audience = ${audience} and (expires_at > ${now()} or id = ${jti})`;
        await revoke(transaction, held, now());
        await enqueueRevocation(transaction, held, { ...notices(), notifyHolders: true });
        const expires_at = row.expires_at ?? now() + lifetimes.sessionSeconds;
        await transaction
          .insertInto('delegation_blocks')
          .values({ subject, session: session ?? '', actor, audience, expires_at })
          .onConflict((conflict) =>
            conflict.columns(['subject', 'session', 'actor', 'audience']).doUpdateSet({ expires_at }),
          )
          .execute();
        return true;
      }),

    /** Ends everything that was signed in or issued up to now, for good: after a back-up was restored, or a database leaked. */
    async revokeAllBefore(): Promise<void> {
      await db
        .updateTable('server')
        .set((column) => ({ generation: column('generation', '+', 1) }))
        .execute();
    },
  };
}

/** The clients that a session was used to sign in to, also those that never asked for a token of an API. */
function clientsSignedInto(records: readonly { model: string; payload: string }[]): readonly string[] {
  return records
    .filter(({ model }) => model === 'Session')
    .flatMap(({ payload }) =>
      Object.keys((JSON.parse(payload) as { authorizations?: object }).authorizations ?? {}),
    );
}

/** The first revocation's time stands. False when there is no such token that was issued here. */
async function revoke(db: Kysely<StsSchema>, which: RawBuilder<boolean>, now: number): Promise<boolean> {
  const { rows } = await sql`
    update ledger set revoked_at = coalesce(revoked_at, ${now}) where ${which} and outcome = 'issued' returning 1
  `.execute(db);
  return rows.length > 0;
}

/**
 * Ends a client's grant for good: its records go, and what was derived from it finds it ended. The insert comes first, so
 * that calls at the same time wait for one another. Resolves with the session that the grant was part of, unless none of
 * its records is left.
 */
async function endGrantRecords(
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

/**
 * Records a login, or prolongs it. It is active only while its generations are its user's and the server's, so a sign-in
 * whose password was checked before they changed never is. Without a generation (outside a sign-in) it begins in the
 * current one. An ended login stays ended, whatever is saved later.
 * Throws when the session was another user's: oidc-provider gives a new user a new session.
 */
export async function saveLogin(
  db: Kysely<StsSchema>,
  login: {
    readonly session: string;
    readonly subject: string;
    readonly generation: Generation | undefined;
    readonly signedInAt: number;
    readonly expiresAt: number;
    readonly upstream: string | undefined;
  },
): Promise<void> {
  const { session, subject, generation } = login;
  const row = await db
    .insertInto('logins')
    .values({
      session,
      subject,
      server_generation: generation?.server ?? sql<number>`(select generation from server)`,
      user_generation:
        generation?.user ?? sql<number>`coalesce((select generation from users where id = ${subject}), -1)`,
      signed_in_at: login.signedInAt,
      expires_at: login.expiresAt,
      ended_at: null,
      browser: null,
      upstream: login.upstream ?? null,
    })
    .onConflict((conflict) => conflict.column('session').doUpdateSet({ expires_at: login.expiresAt }))
    .returning('subject')
    .executeTakeFirstOrThrow();
  if (row.subject !== subject) throw new Error('a login session changed its user');
}

/** In which browser that session was signed in to last. */
export async function saveBrowser(db: Kysely<StsSchema>, session: string, browser: string): Promise<void> {
  await db.updateTable('logins').set({ browser }).where('session', '=', session).execute();
}
