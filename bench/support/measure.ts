export interface MeasureOptions {
  readonly calls: number;
  /** How many are under way at once. */
  readonly concurrency: number;
  readonly call: (index: number) => Promise<void>;
}

export interface Figures {
  readonly calls: number;
  readonly concurrency: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Makes the calls, `concurrency` of them at a time, each starting when one before it has ended. A failed call ends it all. */
export async function measure({ calls, concurrency, call }: MeasureOptions): Promise<Figures> {
  const durations: number[] = [];
  let next = 0;
  const startedAt = performance.now();
  const worker = async () => {
    for (let index = next++; index < calls; index = next++) {
      const before = performance.now();
      await call(index);
      durations.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - startedAt) / 1000;
  const sorted = durations.toSorted((a, b) => a - b);
  return {
    calls,
    concurrency,
    perSecond: calls / seconds,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
  };
}

/** A line of a Markdown table. */
export function row(title: string, { concurrency, perSecond, p50Ms, p99Ms }: Figures): string {
  return `| ${title} | ${concurrency} | ${perSecond.toFixed(0)} | ${p50Ms.toFixed(2)} | ${p99Ms.toFixed(2)} |`;
}

export const HEADING = '| what | at once | per second | p50 ms | p99 ms |\n| --- | --- | --- | --- | --- |';

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
