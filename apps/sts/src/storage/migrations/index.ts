import type { Migration } from '@behalf/database';
import { initial } from './001-initial.ts';

/** In order; released ones never change. */
export const migrations: readonly Migration[] = [initial];
