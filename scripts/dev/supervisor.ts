import {
  startPart,
  untilReady,
  type Part,
  type PartExit,
  type PartName,
  type PartProcess,
} from '../system/index.ts';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;
/** A part that ran for so long has started well: the next delay is the first one again. */
const SETTLED_MS = 20_000;

export interface SupervisorOptions {
  readonly parts: readonly Part[];
  readonly environment: Readonly<Record<string, string>>;
  readonly onLine: (name: PartName, line: string) => void;
  readonly onNotice: (text: string) => void;
}

export interface Supervisor {
  /** Resolves to true when every part answers, to false when stopped before. */
  readonly ready: Promise<boolean>;
  /** Stops and starts parts again, because they were edited. */
  restart(names: readonly PartName[]): void;
  /** Stops every part; resolves when none is left. */
  stop(): Promise<void>;
  /** Ends every part at once. */
  kill(): void;
}

/** Starts all parts at once (they tolerate any order) and starts again, with growing delays, what ends by itself. */
export function supervise({ parts, environment, onLine, onNotice }: SupervisorOptions): Supervisor {
  const running = new Map<PartName, PartProcess>();
  const timers = new Map<PartName, NodeJS.Timeout>();
  const delays = new Map<PartName, number>();
  const restarting = new Set<PartName>();
  const stopping = new AbortController();

  const launch = (name: PartName) => {
    timers.delete(name);
    if (stopping.signal.aborted) return;
    const startedAt = performance.now();
    const part = startPart(name, { environment, onLine: (line) => onLine(name, line) });
    running.set(name, part);
    void part.exited.then((exit) => {
      running.delete(name);
      if (stopping.signal.aborted) return;
      if (restarting.delete(name)) return launch(name);
      if (performance.now() - startedAt > SETTLED_MS) delays.delete(name);
      const delay = delays.get(name) ?? FIRST_DELAY_MS;
      delays.set(name, Math.min(delay * 2, LONGEST_DELAY_MS));
      onNotice(`${name} ended (${describeExit(exit)}); starting it again in ${delay / 1000} s`);
      timers.set(
        name,
        setTimeout(() => launch(name), delay),
      );
    });
  };
  for (const { name } of parts) launch(name);

  return {
    ready: Promise.all(parts.map((part) => untilReady(part, stopping.signal))).then((all) =>
      all.every(Boolean),
    ),
    restart(names) {
      for (const name of names) {
        delays.delete(name);
        const part = running.get(name);
        if (part === undefined) {
          clearTimeout(timers.get(name));
          launch(name);
        } else {
          restarting.add(name);
          void part.stop(3_000);
        }
      }
    },
    async stop() {
      stopping.abort();
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.all([...running.values()].map((part) => part.stop()));
    },
    kill() {
      stopping.abort();
      for (const part of running.values()) part.kill();
    },
  };
}

function describeExit({ code, signal }: PartExit): string {
  return signal === null ? `exit code ${code}` : signal;
}
