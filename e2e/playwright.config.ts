import { availableParallelism } from 'node:os';
import { findBrowser } from '@behalf/scripts/browser';
import { defineConfig } from '@playwright/test';

const browser = findBrowser();
if (browser === undefined) {
  throw new Error('no Chrome or Chromium: run the tests with `pnpm test`, which brings one');
}

/** Each worker starts a system of its own (support/fixtures.ts): no server is shared, and none is adopted. */
export default defineConfig({
  testDir: 'stories',
  globalSetup: './support/global-setup.ts',
  // More than cores: browsers and services wait for each other.
  workers: Math.ceil(availableParallelism() * 1.5),
  // Generous, because nothing here is about speed and the machine may be busy.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  forbidOnly: true,
  reporter: 'list',
  outputDir: 'test-results',
  use: {
    browserName: 'chromium',
    // The film of a trace costs more than the test; its snapshots of the page and the screenshot say as much.
    trace: { mode: 'retain-on-failure', screenshots: false },
    screenshot: 'only-on-failure',
    locale: 'en-GB',
    launchOptions: {
      executablePath: browser.executablePath,
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
