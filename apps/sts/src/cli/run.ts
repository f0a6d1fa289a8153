import { type Command, type CommandContext, CommandError } from './command.ts';
import { explain, ledger, policy } from './ledger.ts';
import { keys, revokeAll, seed } from './server.ts';
import { client, user } from './users-and-clients.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  user,
  client,
  keys,
  'revoke-all': revokeAll,
  seed,
  ledger,
  explain,
  policy,
};

export const USAGE = `pnpm sts <command>

  user add|password|disable|enable <name>     the password is asked for
  user link <name> <issuer> <sub>             may also sign in as that person of another server
  client add <id> [--grant … --scope … --redirect-uri … --public | --jwks <file> | --jwks-uri <address>
                   --require-par --dpop-bound --third-party]
  client secret <id> [--days n]               a further secret, shown once
  client retire-secrets <id>                  all but one, which is asked for
  client disable|enable <id>
  keys list                                   signing keys and their state
  keys rotate [--now]                         --now refuses every older key at once
  revoke-all                                  every sign-in and every token up to now is void: after a restore
  seed                                        puts the clients that the settings name into the database
  ledger [--subject <user or sub>] [--json]   what was issued and refused, newest first
  explain <jti or request id>                 why it was refused, or what became of it
  policy check --actor <client> --from <api> [--grant …] [--to <api>] [--scope …] [--chain …]`;

/** Runs one command. Throws CommandError for wrong use. */
export async function runCommand(args: readonly string[], context: CommandContext): Promise<void> {
  const [name = '', ...rest] = args;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new CommandError(USAGE);
  try {
    await command(rest, { ...context, print: (line) => context.print(withoutControls(line)) });
  } catch (error) {
    // The messages of parseArgs about an unknown or unfinished option are meant for people.
    if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')) {
      throw new CommandError(error.message);
    }
    throw error;
  }
}

/**
 * Shows control characters as JSON writes them, so that JSON stays the same. Clients choose words that stand in the
 * ledger (an unknown grant type, say), and on a terminal these characters would act, or begin a line that looks like a row.
 */
function withoutControls(line: string): string {
  return line.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
