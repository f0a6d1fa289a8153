import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnvironment, systemParts, type Environment, type Part, type PartName } from './addresses.ts';
import { startPart, type PartProcess } from './part-process.ts';
import { freePorts } from './ports.ts';
import { untilReady } from './readiness.ts';

export interface SystemOptions {
  /** Added to this process's environment, for every part. */
  readonly environment?: Environment;
  /** Default all, in this order. */
  readonly parts?: readonly PartName[];
  /** Where `buildWeb` put the client, to serve that instead of starting Vite. */
  readonly webRoot?: string | undefined;
  /** How long the parts may take to get ready. Default 60 s. */
  readonly timeoutMs?: number;
}

/** The whole composed system on ports of its own, with data of its own: for tests and measurements. */
export interface System {
  readonly url: Readonly<Record<PartName, string>>;
  readonly dataDirectory: string;
  /** What the processes got beside the inherited environment. */
  readonly environment: Readonly<Record<string, string>>;
  pid(name: PartName): number | undefined;
  /** Every line that the parts have written so far, in order, across restarts. */
  output(name?: PartName): readonly string[];
  /** Starts a part that is not running, without waiting for it. */
  launch(name: PartName): void;
  /** Starts a part that is not running and waits until it is ready. */
  start(name: PartName): Promise<void>;
  /** Asks a part to stop and waits for its end. */
  stop(name: PartName): Promise<void>;
  /** Ends a part at once, as a power cut would. */
  kill(name: PartName): Promise<void>;
  /** Ends everything and removes the data. */
  close(): Promise<void>;
}

const ALL: readonly PartName[] = ['sts', 'api1', 'api2', 'subscriptions', 'web'];

/** Starts the parts on free ports with an empty data directory and resolves when all are ready. */
export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const { environment = {}, parts: wanted = ALL, webRoot, timeoutMs = 60_000 } = options;
  const dataDirectory = mkdtempSync(join(tmpdir(), 'behalf-'));
  const settings = systemEnvironment(
    { ...(await chosenPorts()), ...(webRoot && { WEB_ROOT: webRoot }), ...environment },
    dataDirectory,
  );
  const parts = new Map(systemParts(settings).map((part) => [part.name, part]));
  const running = new Map<PartName, PartProcess>();
  const written: { readonly name: PartName; readonly line: string }[] = [];

  const system: System = {
    url: Object.fromEntries([...parts].map(([name, { address }]) => [name, address])) as Record<
      PartName,
      string
    >,
    dataDirectory,
    environment: settings,
    pid: (name) => running.get(name)?.pid,
    output: (name) =>
      written.filter((entry) => name === undefined || entry.name === name).map(({ line }) => line),
    launch(name) {
      if (running.has(name)) throw new Error(`${name} is running already`);
      const started = startPart(name, {
        environment: { ...inherited(), ...settings },
        builtWeb: webRoot !== undefined,
        onLine: (line) => written.push({ name, line }),
      });
      running.set(name, started);
      void started.exited.then(() => {
        if (running.get(name) === started) running.delete(name);
      });
    },
    async start(name) {
      system.launch(name);
      await becomesReady(name);
    },
    async stop(name) {
      await running.get(name)?.stop();
      running.delete(name);
    },
    async kill(name) {
      const part = running.get(name);
      part?.kill();
      await part?.exited;
      running.delete(name);
    },
    async close() {
      await Promise.all([...running.values()].map((part) => part.stop(5_000)));
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };

  async function becomesReady(name: PartName): Promise<void> {
    const part = parts.get(name) as Part;
    const ended = running.get(name)?.exited.then(() => false);
    const waiting = new AbortController();
    const timer = setTimeout(() => waiting.abort(), timeoutMs);
    const isUp = await Promise.race([untilReady(part, waiting.signal), ended ?? Promise.resolve(false)]);
    clearTimeout(timer);
    waiting.abort();
    if (!isUp) throw new Error(`${name} did not get ready:\n${system.output(name).slice(-30).join('\n')}`);
  }

  try {
    for (const name of wanted) system.launch(name);
    await Promise.all(wanted.map(becomesReady));
  } catch (error) {
    await system.close();
    throw error;
  }
  return system;
}

async function chosenPorts(): Promise<Environment> {
  const ports = await freePorts(ALL.length);
  return Object.fromEntries(ALL.map((name, index) => [`${name.toUpperCase()}_PORT`, String(ports[index])]));
}

/** This process's environment without what would point the system at somebody's database or switch on production. */
function inherited(): Record<string, string> {
  const own = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      !/^(NODE_ENV|VITEST.*|(.*_)?DATABASE_URL|.*_(PORT|URL|RESOURCE)|ISSUER)$/.test(entry[0]),
  );
  return Object.fromEntries(own);
}
