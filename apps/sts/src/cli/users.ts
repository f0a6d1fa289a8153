import { CommandError, oneName, type Command, type CommandContext } from './context.ts';

/** NIST SP 800-63B §3.1.1.2; in development any password will do. */
const MINIMUM_PASSWORD_LENGTH = 8;

/** `user add|password|disable|enable <name>`. A password is asked for, never an argument. */
export const user: Command = async ([action = '', ...args], context) => {
  const name = oneName(args, 'user');
  const { users } = context.state;
  switch (action) {
    case 'add': {
      if ((await users.findByName(name)) !== undefined)
        throw new CommandError(`there is a user ${name} already`);
      const added = await users.add({ name, password: await newPassword(context) });
      return context.print(`added ${name}, sub ${added.id}`);
    }
    case 'password':
      return done(
        await users.setPassword(name, await newPassword(context)),
        `the password of ${name} is changed, all sessions have ended`,
      );
    case 'disable':
      return done(await users.setDisabled(name, true), `${name} is disabled, all sessions have ended`);
    case 'enable':
      return done(await users.setDisabled(name, false), `${name} is enabled`);
    default:
      throw new CommandError('user add|password|disable|enable <name>');
  }

  function done(found: boolean, text: string): void {
    if (!found) throw new CommandError(`there is no user ${name}`);
    context.print(text);
  }
};

async function newPassword({ askSecret, isProduction }: CommandContext): Promise<string> {
  const password = await askSecret('Password: ');
  const minimum = isProduction ? MINIMUM_PASSWORD_LENGTH : 1;
  if (password.length < minimum) throw new CommandError(`a password has at least ${minimum} characters`);
  return password;
}
