import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { globalSetup: ['@behalf/database/testing-setup'] },
});
