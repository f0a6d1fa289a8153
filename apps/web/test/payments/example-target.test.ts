import { expect, it } from 'vitest';
import { exampleTarget } from '../../src/payments/example-target.ts';

it.each([
  ['alice', 'acc_a1_everyday', 'bob'],
  ['bob', 'acc_b1_everyday', 'alice'],
  ['carol', 'acc_c1_everyday', 'bob'],
])('for %s is an account of somebody else', (_user, own, owner) => {
  const example = exampleTarget([{ id: own }]);
  expect(example.owner).toBe(owner);
  expect(example.id).not.toBe(own);
});
