/** A service as a process of its own, as it runs in production, so that a test can kill it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface ServiceProcess {
  /** Where it listens. */
  readonly url: string;
  /** The lines that it wrote so far, on either stream. */
  readonly output: readonly string[];
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>;
  /** Asks it to stop. */
  stop(): Promise<void>;
}

export interface StartProcessOptions {
  /** Path of its main module. */
  readonly main: string;
  /** All that it gets beside PATH. Set its port to 0: it takes a free one. */
  readonly environment: Readonly<Record<string, string>>;
  /** Arguments of Node. */
  readonly nodeArguments?: readonly string[];
  /** The largest file that it may write, in bytes. Default: any. */
  readonly fileSizeLimit?: number;
}

/** Loaded into the process: it ends when the test process does, however that ended. */
const END_WITH_PARENT =
  'data:text/javascript,process.once("disconnect",()=>process.exit());process.channel?.unref()';

/** Where Node keeps it by default. It takes a third off the time of a start. */
const COMPILE_CACHE = join(tmpdir(), 'node-compile-cache');

/** `ulimit -f` counts blocks of this many bytes (POSIX). */
const BLOCK_BYTES = 512;

/** Resolves when it listens. Throws with its output when it ends instead. */
export async function startProcess(options: StartProcessOptions): Promise<ServiceProcess> {
  const { main, environment, nodeArguments = [], fileSizeLimit } = options;
  const limit = fileSizeLimit === undefined ? '' : `ulimit -f ${Math.floor(fileSizeLimit / BLOCK_BYTES)} && `;
  const child = spawn(
    'sh',
    ['-c', `${limit}exec "$@"`, 'sh', process.execPath, '--import', END_WITH_PARENT, ...nodeArguments, main],
    {
      env: {
        PATH: process.env['PATH'] ?? '',
        NODE_COMPILE_CACHE: COMPILE_CACHE,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  const ended = once(child, 'close');
  const output: string[] = [];
  const listening = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) throw new Error('no pipe to the process');
    createInterface({ input: stream }).on('line', (line) => {
      output.push(line);
      const port = /listens on port (\d+)/.exec(line)?.[1];
      if (port !== undefined) listening.resolve(`http://127.0.0.1:${port}`);
    });
  }
  void ended.then(() => listening.reject(new Error(`the service did not start:\n${output.join('\n')}`)));
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  return {
    url: await listening.promise,
    output,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}
