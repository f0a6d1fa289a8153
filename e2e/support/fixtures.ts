import type { System } from '@behalf/scripts/system';
import { test as base } from '@playwright/test';
import { startTestSystem } from './system.ts';

interface TestFixtures {
  /** On failure, what the services wrote during the test is kept beside the trace. */
  readonly serviceLog: void;
}

interface WorkerFixtures {
  /** Whether tokens are bound to keys (`DPOP=on`). */
  readonly dpop: boolean;
  /** A composed system of this worker's own, on free ports, with empty data. */
  readonly system: System;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  dpop: [false, { scope: 'worker', option: true }],
  system: [
    async ({ dpop }, use) => {
      const system = await startTestSystem({ environment: { DPOP: dpop ? 'on' : 'off' } });
      await use(system);
      await system.close();
    },
    { scope: 'worker', timeout: 180_000 },
  ],
  serviceLog: [
    async ({ system }, use, testInfo) => {
      const before = system.output().length;
      await use();
      if (testInfo.status === testInfo.expectedStatus) return;
      const body = system.output().slice(before).join('\n');
      await testInfo.attach('services.log', { body, contentType: 'text/plain' });
    },
    { auto: true },
  ],
  baseURL: async ({ system }, use) => use(system.url.web),
});

export { expect } from '@playwright/test';
