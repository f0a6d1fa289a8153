import { TEST_SETTINGS } from '@behalf/vitest-config';
import { defineConfig } from 'vitest/config';
import { readExcerpts } from './excerpts.ts';

export default defineConfig({
  define: { __EXCERPTS__: JSON.stringify(readExcerpts()) },
  test: {
    ...TEST_SETTINGS,
    name: 'web',
    include: ['test/**/*.test.{ts,tsx}'],
    // A file's DOM is cleaned up by what that file loads.
    isolate: true,
  },
});
