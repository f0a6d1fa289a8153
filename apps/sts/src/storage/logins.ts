import type { Kysely } from 'kysely';
import type { StsSchema } from './schema.ts';

export interface Login {
  readonly session: string;
  readonly subject: string;
  readonly signedInAt: number;
  readonly expiresAt: number;
}

/**
 * Notes a login, or prolongs it. An ended login stays ended, whatever is saved later, and one that
 * began before all of the user's sessions were ended has ended with them.
 * Throws when the session was another user's: the engine gives a new user a new session.
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
