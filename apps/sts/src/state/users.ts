import { randomUUID } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import type { Kysely, Selectable, Transaction, Updateable } from 'kysely';
import { isStorable, type StsSchema, type UserTable } from './schema.ts';

/** What the STS asks of its storage besides oidc-provider's own records. Times are epoch seconds. */

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

export interface UserStore {
  findById(id: string): Promise<User | undefined>;
  findByName(name: string): Promise<User | undefined>;
  /**
   * The user, when name and password fit and the user is enabled. An unknown name costs the same time as a known one.
   * Not checked: throttling.
   */
  authenticate(name: string, password: string): Promise<User | undefined>;
  add(user: {
    id?: string;
    name: string;
    password: string;
    email?: string;
    displayName?: string;
    mayAct?: Record<string, unknown>;
  }): Promise<User>;
  /** Ends the user's sessions in the same transaction: whoever knew the old password may have signed in with it. */
  setPassword(name: string, password: string): Promise<boolean>;
  /** Disabling ends the user's sessions in the same transaction. */
  setDisabled(name: string, disabled: boolean): Promise<boolean>;
}

/** Argon2id is the library's default; the cost is OWASP's first recommendation (19 MiB, two passes). */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Of a random value that nobody knows. Verified against when a name is unknown, so that both cost the same. */
export const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$EqemAPzEoDrFQGcvg8otCQ$oAM2jDuSa2bNLzjhmrQFJF5qksQeH+un8ifsaQG/Gxo';

export interface UserStoreOptions {
  readonly db: Kysely<StsSchema>;
  /** Ends every session of a user within the transaction that disables the user or changes the password. */
  readonly endSessionsOf: (transaction: Transaction<StsSchema>, subject: string) => Promise<number>;
}

export function createUserStore({ db, endSessionsOf }: UserStoreOptions): UserStore {
  const rowByName = async (name: string) =>
    isStorable(name)
      ? db.selectFrom('users').selectAll().where('name', '=', name).executeTakeFirst()
      : undefined;

  /** False when there is no such user. */
  const change = (
    name: string,
    changes: Updateable<UserTable>,
    { endsSessions }: { readonly endsSessions: boolean },
  ): Promise<boolean> =>
    db.transaction().execute(async (transaction) => {
      const changed = await transaction
        .updateTable('users')
        .set(changes)
        .where('name', '=', name)
        .returning('id')
        .executeTakeFirst();
      if (changed === undefined) return false;
      if (endsSessions) await endSessionsOf(transaction, changed.id);
      return true;
    });

  return {
    async findById(id) {
      const row = await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
      return row && userOf(row);
    },

    async findByName(name) {
      const row = await rowByName(name);
      return row && userOf(row);
    },

    async authenticate(name, password) {
      const row = await rowByName(name);
      const fits = await verify(row?.password_hash ?? NOBODYS_HASH, password);
      return row !== undefined && fits && row.disabled === 0 ? userOf(row) : undefined;
    },

    async add(user) {
      const row: Selectable<UserTable> = {
        id: user.id ?? randomUUID(),
        name: user.name,
        email: user.email ?? null,
        display_name: user.displayName ?? null,
        may_act: user.mayAct === undefined ? null : JSON.stringify(user.mayAct),
        password_hash: await hash(user.password, COST),
        disabled: 0,
        sessions_ended_at: null,
      };
      await db.insertInto('users').values(row).execute();
      return userOf(row);
    },

    async setPassword(name, password) {
      return change(name, { password_hash: await hash(password, COST) }, { endsSessions: true });
    },

    setDisabled: (name, disabled) => change(name, { disabled: disabled ? 1 : 0 }, { endsSessions: disabled }),
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
