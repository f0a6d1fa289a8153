import { parseArgs } from 'node:util';
import { seedRegistry } from '../registry/load-registry.ts';
import { type Command, CommandError, timeOf } from './command.ts';

/** `seed`: puts the clients (and the demo's users) that the settings name into the database. */
export const seed: Command = async (args, { state, registry, print }) => {
  if (args.length > 0) throw new CommandError('seed');
  await seedRegistry(registry, state, (id) => print(`the secret from the settings was added to ${id}`));
  print(
    `the database has ${registry.clients.length} clients and ${registry.users.length} users of the registry`,
  );
};

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
 * `revoke-all`: everything that was signed in or issued up to now is void on every replica, for good; people sign in
 * again. After a back-up was restored, because it has forgotten what was revoked since it was made.
 */
export const revokeAll: Command = async (args, { state, print }) => {
  if (args.length > 0) throw new CommandError('revoke-all');
  await state.revocation.revokeAllBefore();
  print('everything signed in or issued up to now is void');
};
