import { TEST_SETTINGS } from '@behalf/vitest-config';
import { defineConfig } from 'vitest/config';

/** For chosen files of any package: `pnpm exec vitest run <part of a path>`. Turbo runs each package by its own configuration. */
export default defineConfig({
  test: {
    ...TEST_SETTINGS,
    projects: ['apps/*', 'packages/*', '!packages/{tsconfig,vitest-config}', 'scripts', 'docs'],
    globalSetup: ['./packages/database/test/support/setup.ts'],
    passWithNoTests: false,
    reporters: ['default'],
  },
});
