import type { State } from '../state/state.ts';
import type { UserStore } from '../state/users.ts';

/** A person as a directory knows them. */
export interface DirectoryPerson {
  /** Never given to another person, and never changes: an LDAP `entryUUID`, not a user name. */
  readonly id: string;
  readonly email?: string;
  readonly displayName?: string;
}

/**
 * Where users are kept instead of in this server's database: LDAP, a REST service. Both methods throw when the directory
 * does not answer; people then see a page that says so. `docs/user-directory.md` has examples.
 */
export interface UserDirectory {
  /** Its name in the table that links its people to users. Never changes. */
  readonly name: string;
  /** Undefined when there is no such person, or they are disabled: no token is issued for them then. */
  findById(id: string): Promise<DirectoryPerson | undefined>;
  /** The person, when name and password fit. An unknown name should cost the same time. Not to check: throttling. */
  checkPassword(name: string, password: string): Promise<DirectoryPerson | undefined>;
}

/** The users of a directory. Each has a row here, without a password, from their first sign-in on: tokens hang from it. */
export function createDirectoryUsers(
  { users, people }: Pick<State, 'users' | 'people'>,
  directory: UserDirectory,
): Pick<UserStore, 'findById' | 'authenticate'> {
  return {
    async findById(id) {
      const user = await users.findById(id);
      const subject = user === undefined ? undefined : await people.subjectOf(id, directory.name);
      if (user === undefined || subject === undefined) return user;
      const person = await directory.findById(subject);
      return person === undefined ? { ...user, disabled: true } : user;
    },

    async authenticate(name, password) {
      const person = await directory.checkPassword(name, password);
      if (person === undefined) return undefined;
      const linked = await people.findOrCreate(directory.name, person.id, person);
      const user = linked && (await users.findById(linked.id));
      return user && linked && { ...user, generation: linked.generation };
    },
  };
}
