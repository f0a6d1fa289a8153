import { createHash, randomUUID } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { isStorable, type StsSchema } from '../state/schema.ts';
import { type Generation, UNKNOWN_USERS_HASH } from '../state/users.ts';

export type People = ReturnType<typeof createPeople>;

/** A person of another server or directory as a user of ours. */
export interface LinkedUser {
  readonly id: string;
  readonly generation: Generation;
}

/**
 * People who are known elsewhere. A person is the pair of issuer and subject there, never an e-mail address, which others
 * may get later. Such a user has no password here.
 */
export function createPeople(db: Kysely<StsSchema>) {
  /** The enabled user that the pair stands for. */
  async function find(issuer: string, subject: string): Promise<LinkedUser | undefined> {
    if (!isStorable(subject)) return undefined;
    const row = await db
      .selectFrom('upstream_users')
      .innerJoin('users', 'users.id', 'upstream_users.user_id')
      .innerJoin('server', (join) => join.onTrue())
      .select(['users.id', 'users.disabled', 'users.generation', 'server.generation as server_generation'])
      .where('upstream_users.issuer', '=', issuer)
      .where('upstream_users.subject', '=', subject)
      .executeTakeFirst();
    if (row === undefined || row.disabled !== 0) return undefined;
    return { id: row.id, generation: { server: row.server_generation, user: row.generation } };
  }

  return {
    find,

    /** The user, made if the pair is new. Undefined for one that is disabled. */
    async findOrCreate(
      issuer: string,
      subject: string,
      person: { readonly email?: string | undefined; readonly displayName?: string | undefined },
    ): Promise<LinkedUser | undefined> {
      if (!isStorable(subject)) return undefined;
      await db.transaction().execute(async (transaction) => {
        const id = randomUUID();
        const linked = await transaction
          .insertInto('upstream_users')
          .values({ issuer, subject, user_id: id })
          .onConflict((conflict) => conflict.doNothing())
          .returning('user_id')
          .executeTakeFirst();
        if (linked === undefined) return;
        await transaction
          .insertInto('users')
          .values({
            id,
            name: nameOf(issuer, subject),
            email: person.email ?? null,
            display_name: person.displayName ?? null,
            may_act: null,
            password_hash: UNKNOWN_USERS_HASH,
          })
          .execute();
      });
      return find(issuer, subject);
    },

    /** Who a user is there. */
    async subjectOf(userId: string, issuer: string): Promise<string | undefined> {
      const row = await db
        .selectFrom('upstream_users')
        .select('subject')
        .where('user_id', '=', userId)
        .where('issuer', '=', issuer)
        .executeTakeFirst();
      return row?.subject;
    },

    /** Makes an existing user the one that the pair stands for. False when there is no such user, or the pair is taken. */
    async link(name: string, issuer: string, subject: string): Promise<boolean> {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('upstream_users')
        .columns(['issuer', 'subject', 'user_id'])
        .expression((from) =>
          from
            .selectFrom('users')
            .select([sql.lit(issuer).as('issuer'), sql<string>`${subject}`.as('subject'), 'users.id'])
            .where('name', '=', name),
        )
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return numInsertedOrUpdatedRows === 1n;
    },
  };
}

/** For operators: where the person comes from, and a short digest, because a subject may be any text. */
function nameOf(issuer: string, subject: string): string {
  const digest = createHash('sha256').update(`${issuer} ${subject}`).digest('hex').slice(0, 16);
  return `${digest}@${URL.parse(issuer)?.host ?? issuer}`;
}
