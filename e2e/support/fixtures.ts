import type { System } from '@behalf/scripts/system';
import { test as base } from '@playwright/test';
import { startTestSystem } from './system.ts';

interface WorkerFixtures {
  /** A composed system of this worker's own, on free ports, with empty data. */
  readonly system: System;
}

export const test = base.extend<object, WorkerFixtures>({
  system: [
    // eslint-disable-next-line no-empty-pattern -- Playwright reads the fixtures that are needed from this pattern.
    async ({}, use) => {
      const system = await startTestSystem();
      await use(system);
      await system.close();
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  baseURL: async ({ system }, use) => use(system.url.web),
});

export { expect } from '@playwright/test';
