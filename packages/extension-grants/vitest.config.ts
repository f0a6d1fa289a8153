import { defineConfig } from 'vitest/config';

// Generous, because nothing here is about speed and the machine may be busy.
export default defineConfig({
  test: { include: ['src/**/*.test.ts'], testTimeout: 30_000, hookTimeout: 30_000 },
});
