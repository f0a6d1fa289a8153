/** `pnpm dev`: the whole scenario, from one command. It leaves nothing behind, however it ends. */
import { join } from 'node:path';
import { runnerPids, watchProcesses } from './dev/ancestors.ts';
import { notice, partLine, readyBox } from './dev/printer.ts';
import { supervise } from './dev/supervisor.ts';
import { watchSources } from './dev/watch-sources.ts';
import {
  PortSettingError,
  ROOT,
  systemEnvironment,
  systemParts,
  takenMessage,
  takenParts,
  type Part,
} from './system/index.ts';

const SAME_SIGNAL_MS = 700;

const runners = runnerPids();
const say = (text: string) => void process.stdout.write(`${text}\n`);
const parts = readParts();

const taken = await takenParts(parts);
if (taken.length > 0) fail(takenMessage(taken));

const environment = {
  ...systemEnvironment(process.env, process.env['DATA_DIR'] ?? join(ROOT, '.data')),
  NODE_ENV: 'development',
};
say(notice(`Starting ${parts.map(({ name }) => name).join(', ')} …`));
const system = supervise({
  parts,
  environment,
  onLine: (name, line) => say(partLine(name, line)),
  onNotice: (text) => say(notice(text)),
});
const stopWatching =
  process.env['WATCH'] === 'off'
    ? () => undefined
    : watchSources((names) => {
        say(notice(`edited: restarting ${names.join(', ')}`));
        system.restart(names);
      });

let stoppedAt: number | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
process.stdout.on('error', stop);
process.stderr.on('error', stop);
watchProcesses(runners, stop);

if (await system.ready) say(`\n${readyBox(parts, performance.now() / 1000)}\n`);

/** One Ctrl-C may arrive twice, from the terminal and from pnpm; a later one means: at once. */
function onSignal(): void {
  if (stoppedAt !== undefined && performance.now() - stoppedAt > SAME_SIGNAL_MS) {
    system.kill();
    process.exit(1);
  }
  stop();
}

function stop(): void {
  if (stoppedAt !== undefined) return;
  stoppedAt = performance.now();
  stopWatching();
  say(notice('\nStopping (Ctrl-C again to stop at once) …'));
  void system.stop().then(() => process.exit(0));
}

function readParts(): readonly Part[] {
  try {
    return systemParts(process.env);
  } catch (error) {
    if (error instanceof PortSettingError) fail(error.message);
    throw error;
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
