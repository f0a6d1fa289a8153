import type { Account, FindAccount } from 'oidc-provider';
import type { User, UserStore } from '../storage/types.ts';

/** A user as the engine sees one; `user` is for our own hooks. */
export interface UserAccount extends Account {
  readonly user: User;
}

/** Finds a user for the engine. A disabled one is not found: no token is issued for them and no session goes on. */
export function createFindAccount(users: Pick<UserStore, 'findById'>): FindAccount {
  return async (_ctx, sub) => {
    const user = await users.findById(sub);
    return user === undefined || user.disabled ? undefined : accountOf(user);
  };
}

function accountOf(user: User): UserAccount {
  return {
    accountId: user.id,
    user,
    // The engine picks from these what the granted scopes cover (OpenID Connect Core §5.4).
    claims: () => ({
      sub: user.id,
      name: user.displayName ?? user.name,
      preferred_username: user.name,
      ...(user.email === null ? {} : { email: user.email }),
    }),
  };
}

/** Which claims each OpenID scope stands for. */
export const CLAIMS_BY_SCOPE = {
  openid: ['sub'],
  profile: ['name', 'preferred_username'],
  email: ['email'],
};
