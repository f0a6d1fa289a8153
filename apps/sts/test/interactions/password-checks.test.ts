import { expect, test } from 'vitest';
import { createPasswordCheck } from '../../src/interactions/throttle.ts';

test('of more passwords than may be checked and wait, the rest is not checked at all', async () => {
  const gate = Promise.withResolvers<undefined>();
  const checked: string[] = [];
  const check = createPasswordCheck(
    {
      authenticate: (name) => {
        checked.push(name);
        return gate.promise;
      },
    },
    { maximum: 2, maximumWaiting: 1 },
  );
  const [one, two, three, four] = ['one', 'two', 'three', 'four'].map((name) => check(name, 'password'));
  expect(await four).toBe('busy');
  expect(checked).toEqual(['one', 'two']);
  gate.resolve(undefined);
  expect(await Promise.all([one, two, three])).toEqual(
    Array.from({ length: 3 }, () => ({ user: undefined })),
  );
  expect(checked).toEqual(['one', 'two', 'three']);
});
