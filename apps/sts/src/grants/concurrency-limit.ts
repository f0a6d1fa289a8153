/**
 * Lets at most `maximum` tasks run at once and at most `maximumWaiting` wait, first come first served. A task whose
 * `signal` aborts before its turn never runs; whoever finds the queue full is turned away at once.
 */
export function createConcurrencyLimit(options: { maximum: number; maximumWaiting: number }) {
  const waiting = new Set<() => void>();
  let running = 0;

  async function turn(signal: AbortSignal): Promise<boolean> {
    if (running < options.maximum) {
      running += 1;
      return true;
    }
    if (waiting.size >= options.maximumWaiting || signal.aborted) return false;
    return new Promise<boolean>((resolve) => {
      const start = () => {
        signal.removeEventListener('abort', giveUp);
        resolve(true);
      };
      const giveUp = () => {
        waiting.delete(start);
        resolve(false);
      };
      waiting.add(start);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Hands the place of a finished task to the next in line. */
  function done(): void {
    const [next] = waiting;
    if (next === undefined) {
      running -= 1;
      return;
    }
    waiting.delete(next);
    next();
  }

  /** The task's result, or undefined when its turn did not come. */
  return async function run<Result>(
    signal: AbortSignal,
    task: () => Promise<Result>,
  ): Promise<Result | undefined> {
    if (!(await turn(signal))) return undefined;
    try {
      return await task();
    } finally {
      done();
    }
  };
}
