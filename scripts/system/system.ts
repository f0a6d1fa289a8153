/** The composed system on ports of its own, with data of its own: for tests and measurements. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVICES, variablesOf, type ServiceName } from '@behalf/service/services';
import { freePorts, localServices, systemEnvironment, type Environment } from './addresses.ts';
import { createSupervisor } from './supervisor.ts';

const CLOSE_GRACE_MS = 5_000;
/** Variables that would point the system at a database in use, move it, or switch on production. */
const NOT_INHERITED = /^(NODE_ENV|VITEST.*|(.*_)?DATABASE_URL|.*_(PORT|URL|RESOURCE)|ISSUER)$/;

export interface SystemOptions {
  /** Added to this process's environment, for every service. */
  readonly environment?: Environment;
  /** The services to start, all by default. */
  readonly services?: readonly ServiceName[];
  /** The folder of `buildWeb`, to serve that instead of starting Vite. */
  readonly webRoot?: string | undefined;
  /** How long the services may take to get ready. */
  readonly timeoutMs?: number;
}

export type System = Awaited<ReturnType<typeof startSystem>>;

/** Starts services on free ports with an empty data directory and resolves when all are ready. */
export async function startSystem(options: SystemOptions = {}) {
  const { services = SERVICES.map(({ name }) => name), webRoot, timeoutMs = 120_000 } = options;
  const dataDirectory = mkdtempSync(join(tmpdir(), 'behalf-'));
  const ports = await freePorts(SERVICES.length);
  const environment = systemEnvironment(
    {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name))),
      ...Object.fromEntries(SERVICES.map((service, index) => [variablesOf(service).port, `${ports[index]}`])),
      ...(webRoot && { WEB_ROOT: webRoot }),
      ...options.environment,
    },
    dataDirectory,
  );
  const written: { readonly name: ServiceName; readonly line: string }[] = [];
  const supervisor = createSupervisor({
    environment,
    builtWeb: webRoot !== undefined,
    onLine: (name, line) => written.push({ name, line }),
  });

  /** Every line that the services, or one of them, have written so far, in order, across restarts. */
  const output = (name?: ServiceName): readonly string[] =>
    written.filter((entry) => name === undefined || entry.name === name).map(({ line }) => line);

  async function becomesReady(name: ServiceName): Promise<void> {
    const waiting = new AbortController();
    const timer = setTimeout(() => waiting.abort(), timeoutMs);
    void supervisor.process(name)?.exited.then(() => waiting.abort());
    const isReady = await supervisor.untilReady(name, waiting.signal);
    clearTimeout(timer);
    if (!isReady) throw new Error(`${name} did not get ready:\n${output(name).slice(-30).join('\n')}`);
  }

  const addresses = localServices(environment).map(({ name, address }) => [name, address]);
  const system = {
    url: Object.fromEntries(addresses) as Readonly<Record<ServiceName, string>>,
    dataDirectory,
    environment,
    output,
    pid: (name: ServiceName) => supervisor.process(name)?.pid,
    launch: supervisor.launch,
    /** Starts a service that is not running and waits until it is ready. */
    async start(name: ServiceName): Promise<void> {
      supervisor.launch(name);
      await becomesReady(name);
    },
    /** Asks a service to stop and waits for its end. */
    stop: async (name: ServiceName) => void (await supervisor.process(name)?.stop()),
    /** Ends a service at once, as a power cut would. */
    kill: async (name: ServiceName) => void (await supervisor.process(name)?.kill()),
    /** Ends everything and removes the data. */
    async close(): Promise<void> {
      await supervisor.close(CLOSE_GRACE_MS);
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all(services.map(system.start));
  } catch (error) {
    await system.close();
    throw error;
  }
  return system;
}
