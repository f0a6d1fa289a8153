import { createConcurrencyLimit } from '../grants/concurrency-limit.ts';
import type { User, UserStore } from '../storage/types.ts';

export interface PasswordCheckLimits {
  /** Default 2: they leave threads for what signs tokens. A check takes one for a while, and 19 MiB. */
  readonly maximum?: number;
  /** Default 512. */
  readonly maximumWaiting?: number;
  /** How long one waits for its turn. Default 10 s. */
  readonly timeoutMs?: number;
}

/** The user, if name and password fit; `busy` when nothing was checked because too many others are. */
export type PasswordCheck = (
  name: string,
  password: string,
) => Promise<{ readonly user: User | undefined } | 'busy'>;

/** Bounds how many passwords are checked at once, so that a flood of sign-ins does not stop everything else. */
export function createPasswordCheck(
  users: Pick<UserStore, 'authenticate'>,
  { maximum = 2, maximumWaiting = 512, timeoutMs = 10_000 }: PasswordCheckLimits = {},
): PasswordCheck {
  const limit = createConcurrencyLimit({ maximum, maximumWaiting });
  return async (name, password) => {
    const checked = await limit(AbortSignal.timeout(timeoutMs), async () => ({
      user: await users.authenticate(name, password),
    }));
    return checked ?? 'busy';
  };
}
