import type { Registry } from '../open-registry.ts';
import type { State } from '../open-state.ts';

/** What a command works with. */
export interface CommandContext {
  readonly state: State;
  readonly registry: Registry;
  readonly isProduction: boolean;
  /** Epoch seconds. */
  readonly now: () => number;
  /** One line of output. */
  readonly print: (line: string) => void;
  /** Asks for something that must not stand in a process list or a shell's history. */
  readonly askSecret: (question: string) => Promise<string>;
}

/** `args` are those after the command's own name. */
export type Command = (args: readonly string[], context: CommandContext) => Promise<void>;

/** Wrong use, or a name that is not there: the text is for the operator, the exit code is 1. */
export class CommandError extends Error {}

/** The one name that a command is about. */
export function oneName(args: readonly string[], what: string): string {
  const [name, ...rest] = args;
  if (name === undefined || name === '' || rest.length > 0) throw new CommandError(`name one ${what}`);
  return name;
}
