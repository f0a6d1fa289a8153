import { defineConfig } from 'vitest/config';

/** All unit and integration tests in one run, with one PostgreSQL server for all of them. */
export default defineConfig({
  test: {
    projects: ['apps/*', 'packages/*', '!packages/tsconfig', 'scripts'],
    globalSetup: ['./packages/database/src/testing-setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    passWithNoTests: false,
    reporters: ['default'],
  },
});
