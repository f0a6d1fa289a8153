import { availableParallelism } from 'node:os';

/** What every package's tests have in common: for `test` in its vitest.config.ts. Vitest passes none of it down by itself. */
export const TEST_SETTINGS = {
  /** Files that run in one process load each module once: half the time of a run. No test may change what others see. */
  isolate: false,
  /** More than cores: many tests wait for a process that they have started. Vitest's own default leaves a core idle. */
  maxWorkers: Math.ceil(availableParallelism() * 1.5),
  /** Generous, because no test is about speed and the machine may be busy. */
  testTimeout: 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 20_000 } },
} as const;
