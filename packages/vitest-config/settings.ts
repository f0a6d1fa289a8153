import { availableParallelism } from 'node:os';

/** `test-results/report.xml` is the file that turbo keeps and `pnpm test` counts. */
const reporters: ('default' | ['junit', { outputFile: string }])[] = [
  'default',
  ['junit', { outputFile: 'test-results/report.xml' }],
];

/** Settings that every package's tests have in common: for `test` in its vitest.config.ts. */
export const TEST_SETTINGS = {
  reporters,
  /** Files that run in one process load each module once: half the time of a run. No test may change what others see. */
  isolate: false,
  /** More than cores: many tests wait for a process that they have started. Vitest's own default leaves a core idle. */
  maxWorkers: Math.ceil(availableParallelism() * 1.5),
  /** Generous, because no test is about speed and the machine may be busy. */
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
};
