import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Registry } from '../registry/load-registry.ts';
import type { State } from '../state/state.ts';

export function timeOf(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString();
}

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

/** Reads one line from standard input; on a terminal it asks, and what is typed is not shown. */
export async function askSecret(question: string): Promise<string> {
  const { stdin, stderr } = process;
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  if (stdin.isTTY) stderr.write(question);
  const lines = createInterface({ input: stdin, output: silent, terminal: stdin.isTTY });
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    lines.close();
    if (stdin.isTTY) stderr.write('\n');
  }
}
