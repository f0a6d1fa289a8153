/** The npx and pnpm processes above this one: when one of them goes away, `pnpm dev` has to end. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

interface Ancestor {
  readonly pid: number;
  readonly command: string;
}

/**
 * The processes that were started to start this one: from the parent up to the topmost npx, npm or pnpm. When one of
 * them goes away, the person who typed the command wants it to end, even if no signal reached us. A shell or terminal
 * above them may go away without that meaning.
 */
export function runnerPids(ancestors: readonly Ancestor[] = readAncestors()): readonly number[] {
  const top = ancestors.findLastIndex(({ command }) => isPackageRunner(command));
  return ancestors.slice(0, top + 1).map(({ pid }) => pid);
}

/** Calls `onGone` once when one of the processes is no more. */
export function watchProcesses(pids: readonly number[], onGone: () => void, intervalMs = 500): void {
  const timer = setInterval(() => {
    if (pids.every(isAlive)) return;
    clearInterval(timer);
    onGone();
  }, intervalMs);
  timer.unref();
}

function isPackageRunner(command: string): boolean {
  const [program = '', script = ''] = command.split(' ');
  const name = /^node(\.exe)?$/.test(basename(program)) ? script : program;
  return /^(npx|npm|pnpm|pnpx)([-.].*|$)/.test(basename(name));
}

function readAncestors(): Ancestor[] {
  const ancestors: Ancestor[] = [];
  for (let pid = process.ppid; pid > 1;) {
    const found = describeProcess(pid);
    if (found === undefined) break;
    ancestors.push({ pid, command: found.command });
    pid = found.parent;
  }
  return ancestors;
}

function describeProcess(pid: number): { parent: number; command: string } | undefined {
  if (process.platform === 'win32') return undefined;
  try {
    if (process.platform === 'linux') {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return { parent: Number(readState(pid)[1]), command };
    }
    const line = execFileSync('ps', ['-o', 'ppid=,command=', '-p', String(pid)], { encoding: 'utf8' });
    const [, parent, command = ''] = /^\s*(\d+)\s+(.*)$/m.exec(line) ?? [];
    return parent === undefined ? undefined : { parent: Number(parent), command };
  } catch {
    return undefined;
  }
}

/** A process that its parent has not collected yet (Z) has ended all the same. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || readState(pid)[0] !== 'Z';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** State, parent and more of a process (Linux). They follow the name, which stands in parentheses and may hold anything. */
function readState(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
