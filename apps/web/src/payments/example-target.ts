import type { Account } from '../api/api1.ts';

/** Somebody's account that one may pay to. */
export interface ExampleTarget {
  readonly id: string;
  readonly owner: string;
}

const BOBS: ExampleTarget = { id: 'acc_b1_everyday', owner: 'bob' };
const ALICES: ExampleTarget = { id: 'acc_a1_everyday', owner: 'alice' };

/** An account in the development data that is not one's own, for who does not know any. */
export function exampleTarget(own: readonly Pick<Account, 'id'>[]): ExampleTarget {
  return own.some(({ id }) => id === BOBS.id) ? ALICES : BOBS;
}
