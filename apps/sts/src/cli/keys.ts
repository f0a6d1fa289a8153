import { timeOf } from './command.ts';
import { parseArgs } from 'node:util';
import { type Command, CommandError } from './command.ts';

/** `keys list`, `keys rotate [--now]`: with `--now` every older key, and all it signed, is refused at once. */
export const keys: Command = async ([action, ...args], { state, print }) => {
  const { values } = parseArgs({ args, options: { now: { type: 'boolean', default: false } } });
  if (action === 'rotate') {
    await (values.now ? state.keys.rotateNow() : state.keys.rotate());
    print(
      values.now
        ? 'a new key signs; every older one is refused'
        : 'a new key is published and will take over',
    );
  } else if (action !== 'list' || values.now) {
    throw new CommandError('keys list | keys rotate [--now]');
  }
  for (const key of await state.keys.list()) {
    print(`${key.kid}  ${key.state.padEnd(8)}  active from ${timeOf(key.activeFrom)}`);
  }
};

/**
 * `epoch raise`: every sign-in and every token up to now is dead on every replica, for good; people sign in again. For the
 * time after a back-up was restored: it has forgotten what was revoked since it was made.
 */
export const epoch: Command = async ([action, ...rest], { state, print }) => {
  if (action !== 'raise' || rest.length > 0) throw new CommandError('epoch raise');
  await state.revocation.revokeAllBefore();
  print('everything signed in or issued up to now is dead');
};
