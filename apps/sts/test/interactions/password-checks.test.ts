import { expect, test } from 'vitest';
import { createSignInCheck } from '../../src/interactions/throttle.ts';
import type { UserStore } from '../../src/state/users.ts';

test('of more sign-ins than may be checked and wait, the rest is not checked and writes nothing', async () => {
  const gate = Promise.withResolvers<undefined>();
  const counted: string[] = [];
  const users = { authenticate: () => gate.promise } as unknown as UserStore;
  const throttle = {
    consume: async (name: string) => {
      counted.push(name);
      return { ok: true as const, refund: async () => undefined };
    },
  };
  const check = createSignInCheck(users, throttle, { maximum: 2, maximumWaiting: 1 });
  const [one, two, three, four] = ['one', 'two', 'three', 'four'].map((name) => check(name, 'password', ''));
  expect(await four).toEqual({ ok: false, problem: 'busy' });
  expect(counted).toEqual(['one', 'two']);
  gate.resolve(undefined);
  const refused = { ok: false, problem: 'refused' };
  expect(await Promise.all([one, two, three])).toEqual([refused, refused, refused]);
  expect(counted).toEqual(['one', 'two', 'three']);
});
