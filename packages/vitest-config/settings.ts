/** What every package's tests have in common: for `test` in its vitest.config.ts. Vitest passes none of it down by itself. */
export const TEST_SETTINGS = {
  /** Files that run in one process load each module once: half the time of a run. No test may change what others see. */
  isolate: false,
  /** Vitest's own default leaves one core idle: half of two. */
  maxWorkers: '100%',
  /** Generous, because no test is about speed and the machine may be busy. */
  testTimeout: 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 20_000 } },
} as const;
