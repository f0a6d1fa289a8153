import { TEST_SETTINGS } from '@behalf/vitest-config';
import { defineConfig } from 'vitest/config';

/** All unit and integration tests in one run, with one PostgreSQL server for all of them. */
export default defineConfig({
  test: {
    ...TEST_SETTINGS,
    projects: ['apps/*', 'packages/*', '!packages/{tsconfig,vitest-config}', 'scripts'],
    globalSetup: ['./packages/database/test/support/setup.ts'],
    passWithNoTests: false,
    reporters: ['default'],
  },
});
