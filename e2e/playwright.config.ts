import { availableParallelism } from 'node:os';
import { defineConfig } from '@playwright/test';
import { provideBrowser } from './support/browser.ts';

/** Each worker starts a system of its own (support/fixtures.ts): no server is shared, and none is adopted. */
export default defineConfig<object, { readonly dpop: boolean }>({
  testDir: 'stories',
  globalSetup: './support/global-setup.ts',
  // More than cores: browsers and services wait for each other.
  workers: Math.ceil(availableParallelism() * 1.5),
  // Generous, because nothing here is about speed and the machine may be busy.
  timeout: 300_000,
  expect: { timeout: 60_000 },
  forbidOnly: true,
  // `test-results/report.xml` is the file that turbo keeps and `pnpm test` counts.
  reporter: [['list'], ['junit', { outputFile: 'test-results/report.xml' }]],
  outputDir: 'test-results',
  projects: [
    { name: 'bearer' },
    // The main stories once more, with every token bound to the key of its client (RFC 9449).
    { name: 'dpop', testMatch: /(the-chain|step-up|stolen-token)\.spec\.ts$/, use: { dpop: true } },
  ],
  use: {
    browserName: 'chromium',
    // The film of a trace costs more than the test; its snapshots of the page and the screenshot say as much.
    trace: { mode: 'retain-on-failure', screenshots: false },
    screenshot: 'only-on-failure',
    locale: 'en-GB',
    launchOptions: {
      executablePath: await provideBrowser(),
      // Chromium refuses its sandbox to root.
      chromiumSandbox: process.getuid?.() !== 0,
      args: [
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
        '--disable-dev-shm-usage',
        '--disable-gpu',
        '--in-process-gpu',
      ],
    },
  },
});
