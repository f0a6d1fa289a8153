import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { globalSetup: ['@behalf/database/testing-setup'], testTimeout: 30_000, hookTimeout: 30_000 },
});
