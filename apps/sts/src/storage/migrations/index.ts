import type { Migration } from '@behalf/database';
import { initial } from './001-initial.ts';
import { signInAttempts } from './002-sign-in-attempts.ts';
import { endedLogins } from './003-ended-logins.ts';
import { endedUsers } from './004-ended-users.ts';
import { loginBrowsers } from './005-login-browsers.ts';

/** In order; released ones never change. */
export const migrations: readonly Migration[] = [
  initial,
  signInAttempts,
  endedLogins,
  endedUsers,
  loginBrowsers,
];
