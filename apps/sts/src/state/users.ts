import { randomUUID } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import type { Kysely, Selectable, Transaction, Updateable } from 'kysely';
import { isStorable, type StsSchema, type UserTable } from './schema.ts';

export interface User {
  /** `sub`: opaque, never changes. */
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly displayName: string | null;
  /** `may_act` (RFC 8693 §4.4) that this user's tokens carry, or null. */
  readonly mayAct: Readonly<Record<string, unknown>> | null;
  readonly disabled: boolean;
}

/** The generations in which a password was checked. The login that begins with it is active only while they are current. */
export interface Generation {
  readonly server: number;
  readonly user: number;
}

/** Argon2id is the library's default; the cost is OWASP's first recommendation (19 MiB, two passes). */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Of a random value that was thrown away. Verified against when a name is unknown, so that both cost the same. */
export const UNKNOWN_USERS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$EqemAPzEoDrFQGcvg8otCQ$oAM2jDuSa2bNLzjhmrQFJF5qksQeH+un8ifsaQG/Gxo';

export type UserStore = ReturnType<typeof createUserStore>;

/** `endSessions` ends every session of a user within the transaction that disables the user or changes the password. */
export function createUserStore(
  db: Kysely<StsSchema>,
  endSessions: (transaction: Transaction<StsSchema>, subject: string) => Promise<unknown>,
) {
  /** False when there is no such user. */
  const change = (name: string, changes: Updateable<UserTable>, endsSessions: boolean): Promise<boolean> =>
    db.transaction().execute(async (transaction) => {
      const changed = await transaction
        .updateTable('users')
        .set(changes)
        .where('name', '=', name)
        .returning('id')
        .executeTakeFirst();
      if (changed === undefined) return false;
      if (endsSessions) await endSessions(transaction, changed.id);
      return true;
    });

  return {
    async findById(id: string): Promise<User | undefined> {
      const row = await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
      return row && userOf(row);
    },

    async findByName(name: string): Promise<User | undefined> {
      if (!isStorable(name)) return undefined;
      const row = await db.selectFrom('users').selectAll().where('name', '=', name).executeTakeFirst();
      return row && userOf(row);
    },

    /**
     * The user, when name and password fit and the user is enabled, with the generations that were read together with the
     * hash. An unknown name costs the same time as a known one. Not checked: throttling.
     */
    async authenticate(
      name: string,
      password: string,
    ): Promise<(User & { readonly generation: Generation }) | undefined> {
      const row = isStorable(name)
        ? await db
            .selectFrom('users')
            .innerJoin('server', (join) => join.onTrue())
            .selectAll('users')
            .select('server.generation as server_generation')
            .where('name', '=', name)
            .executeTakeFirst()
        : undefined;
      const fits = await verify(row?.password_hash ?? UNKNOWN_USERS_HASH, password);
      if (row === undefined || !fits || row.disabled !== 0) return undefined;
      return { ...userOf(row), generation: { server: row.server_generation, user: row.generation } };
    },

    /** Undefined when the id or the name is taken. */
    async add(user: {
      readonly id?: string;
      readonly name: string;
      readonly password: string;
      readonly email?: string;
      readonly displayName?: string;
      readonly mayAct?: Readonly<Record<string, unknown>>;
    }): Promise<User | undefined> {
      const row = await db
        .insertInto('users')
        .values({
          id: user.id ?? randomUUID(),
          name: user.name,
          email: user.email ?? null,
          display_name: user.displayName ?? null,
          may_act: user.mayAct === undefined ? null : JSON.stringify(user.mayAct),
          password_hash: await hash(user.password, COST),
        })
        .onConflict((conflict) => conflict.doNothing())
        .returningAll()
        .executeTakeFirst();
      return row && userOf(row);
    },

    /** Ends the user's sessions in the same transaction, because others may have signed in with the old password. */
    async setPassword(name: string, password: string): Promise<boolean> {
      return change(name, { password_hash: await hash(password, COST) }, true);
    },

    /** Disabling ends the user's sessions in the same transaction. */
    setDisabled: (name: string, disabled: boolean) => change(name, { disabled: disabled ? 1 : 0 }, disabled),
  };
}

function userOf(row: Selectable<UserTable>): User {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    displayName: row.display_name,
    mayAct: row.may_act === null ? null : (JSON.parse(row.may_act) as Record<string, unknown>),
    disabled: row.disabled !== 0,
  };
}
