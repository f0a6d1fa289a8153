import { TEST_SETTINGS } from '@behalf/vitest-config';
import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { ...TEST_SETTINGS } });
