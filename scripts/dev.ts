/** `pnpm dev`: starts the whole system, restarts what is edited, and leaves no process behind, however it ends. */
import { readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { ServiceName } from '@behalf/service/services';
import { runnerPids, watchProcesses } from './dev/ancestors.ts';
import { environmentFaults } from './dev/environment.ts';
import { notice, readyBox, serviceLine } from './dev/printer.ts';
import {
  localServices,
  PortSettingError,
  systemEnvironment,
  takenPortsMessage,
  type LocalService,
} from './system/addresses.ts';
import { ROOT } from './system/service-process.ts';
import { createSupervisor } from './system/supervisor.ts';

/** One Ctrl-C may arrive twice, from the terminal and from pnpm; a later one means: at once. */
const SAME_SIGNAL_MS = 700;
const EDIT_SETTLES_MS = 200;

const runners = runnerPids();
const say = (text: string) => void process.stdout.write(`${text}\n`);
const services = readServices();
const taken = await takenPortsMessage(services);
if (taken !== undefined) fail(taken);
const faults = await environmentFaults(process.env);
if (faults.length > 0) fail(`${faults.join('\n')}\nNothing was started or written.`);

say(notice(`Starting ${services.map(({ name }) => name).join(', ')} …`));
const supervisor = createSupervisor({
  environment: {
    ...systemEnvironment(process.env, process.env['DATA_DIR'] ?? join(ROOT, '.data')),
    NODE_ENV: 'development',
  },
  onLine: (name, line) => say(serviceLine(name, line)),
  onCrash: (name, { code, signal }, delayMs) =>
    say(notice(`${name} ended (${signal ?? `exit code ${code}`}); starting it again in ${delayMs / 1000} s`)),
});
for (const { name } of services) supervisor.launch(name);
if (process.env['WATCH'] !== 'off') restartOnEdit();

let stoppedAt: number | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
process.stdout.on('error', stop);
process.stderr.on('error', stop);
watchProcesses(runners, stop);

const ready = await Promise.all(services.map(({ name }) => supervisor.untilReady(name)));
if (ready.every(Boolean)) say(`\n${readyBox(services, performance.now() / 1000)}\n`);

function onSignal(): void {
  if (stoppedAt !== undefined && performance.now() - stoppedAt > SAME_SIGNAL_MS) {
    supervisor.kill();
    process.exit(1);
  }
  stop();
}

function stop(): void {
  if (stoppedAt !== undefined) return;
  stoppedAt = performance.now();
  say(notice('\nStopping (Ctrl-C again to stop at once) …'));
  void supervisor.close().then(() => process.exit(0));
}

/** An edit in a service's folder restarts that service, one in a package all of them. Vite watches the web client itself. */
function restartOnEdit(): void {
  const backEnds = services.filter(({ kind }) => kind !== 'page').map(({ name }) => name);
  const edited = new Set<ServiceName>();
  let timer: NodeJS.Timeout | undefined;
  const watchFolder = (folder: string, concerned: readonly ServiceName[]) => {
    const onChange = (file: string | null) => {
      if (file === null || !/\.(ts|css|html|svg)$/.test(file)) return;
      for (const name of concerned) edited.add(name);
      clearTimeout(timer);
      timer = setTimeout(() => {
        say(notice(`edited: restarting ${[...edited].join(', ')}`));
        for (const name of edited) void supervisor.restart(name);
        edited.clear();
      }, EDIT_SETTLES_MS);
    };
    try {
      const watcher = watch(join(ROOT, folder, 'src'), { recursive: true }, (_event, file) => onChange(file));
      // A machine may have no more watches to give: edits then take a restart by hand.
      watcher.on('error', () => watcher.close());
    } catch {
      // A package without sources, or a system that cannot watch a folder with all in it.
    }
  };
  for (const name of backEnds) watchFolder(`apps/${name}`, [name]);
  for (const name of readdirSync(join(ROOT, 'packages'))) watchFolder(`packages/${name}`, backEnds);
}

function readServices(): readonly LocalService[] {
  try {
    return localServices(process.env);
  } catch (error) {
    if (error instanceof PortSettingError) fail(error.message);
    throw error;
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
