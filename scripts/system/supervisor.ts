/** Runs services as processes: `pnpm dev` and every test of the composed system start them here. */
import type { ServiceName } from '@behalf/service/services';
import { localServices } from './addresses.ts';
import { startService, type ServiceExit, type ServiceProcess } from './service-process.ts';

const POLL_INTERVAL_MS = 100;
const PROBE_TIMEOUT_MS = 3_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;
/** A service that ran for so long has started well: the next delay is the first one again. */
const SETTLED_MS = 20_000;
const RESTART_GRACE_MS = 3_000;

export interface SupervisorOptions {
  /** Complete, as `systemEnvironment` makes it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly builtWeb?: boolean;
  readonly onLine: (name: ServiceName, line: string) => void;
  /**
   * Given, a service that ends by itself is started again after `delayMs`, which grows with each time. Otherwise it stays
   * away until it is started.
   */
  readonly onCrash?: (name: ServiceName, exit: ServiceExit, delayMs: number) => void;
}

export function createSupervisor({ environment, builtWeb = false, onLine, onCrash }: SupervisorOptions) {
  const services = new Map(localServices(environment).map((service) => [service.name, service]));
  const running = new Map<ServiceName, ServiceProcess>();
  const delays = new Map<ServiceName, number>();
  const closing = new AbortController();

  /** Starts a service that is not running, without waiting for it. */
  function launch(name: ServiceName): void {
    if (closing.signal.aborted) return;
    if (running.has(name)) throw new Error(`${name} is running already`);
    const startedAt = performance.now();
    const started = startService(name, { environment, builtWeb, onLine: (line) => onLine(name, line) });
    running.set(name, started);
    void started.exited.then((exit) => {
      running.delete(name);
      if (exit.wanted || closing.signal.aborted || onCrash === undefined) return;
      const wasSettled = performance.now() - startedAt > SETTLED_MS;
      const delayMs = (!wasSettled && delays.get(name)) || FIRST_DELAY_MS;
      delays.set(name, Math.min(delayMs * 2, LONGEST_DELAY_MS));
      onCrash(name, exit, delayMs);
      setTimeout(() => {
        if (!running.has(name)) launch(name);
      }, delayMs);
    });
  }

  /** True once the service answers 200 on its readiness address, false when `signal` or `close` ended the waiting. */
  async function untilReady(name: ServiceName, signal: AbortSignal = closing.signal): Promise<boolean> {
    const readyUrl = services.get(name)?.readyUrl ?? '';
    while (!signal.aborted && !closing.signal.aborted) {
      const response = await fetch(readyUrl, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) }).catch(
        () => undefined,
      );
      await response?.body?.cancel();
      if (response?.ok === true) return true;
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    }
    return false;
  }

  return {
    launch,
    untilReady,
    process: (name: ServiceName) => running.get(name),
    /** Stops and starts a service, because it was edited. */
    async restart(name: ServiceName): Promise<void> {
      delays.delete(name);
      await running.get(name)?.stop(RESTART_GRACE_MS);
      if (!running.has(name)) launch(name);
    },
    /** Stops every service; resolves when none is left. */
    async close(graceMs?: number): Promise<void> {
      closing.abort();
      await Promise.all([...running.values()].map((service) => service.stop(graceMs)));
    },
    /** Ends every service at once. */
    kill(): void {
      closing.abort();
      for (const service of running.values()) void service.kill();
    },
  };
}
