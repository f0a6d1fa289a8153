import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Registry } from '../registry/load-registry.ts';
import type { State } from '../state/state.ts';

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

/** Wrong use, or a name that does not exist: the text is for the operator, the exit code is 1. */
export class CommandError extends Error {}

/** The one name that a command is about. */
export function oneName(args: readonly string[], kind: string): string {
  const [name, ...rest] = args;
  if (name === undefined || name === '' || rest.length > 0) throw new CommandError(`name one ${kind}`);
  return name;
}

export function timeOf(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString();
}

/**
 * Reads one line from standard input. On a terminal it asks for it, after the echo was switched off, so that nothing that
 * is typed or pasted shows.
 */
export async function askSecret(
  question: string,
  { stdin, stderr }: Pick<NodeJS.Process, 'stdin' | 'stderr'> = process,
): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: silent, terminal: stdin.isTTY });
  if (stdin.isTTY) stderr.write(question);
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    lines.close();
    if (stdin.isTTY) stderr.write('\n');
  }
}
