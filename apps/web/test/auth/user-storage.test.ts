import { expect, it } from 'vitest';
import { createUserStorage } from '../../src/auth/user-storage.ts';
import { MemoryStorage } from '../support/memory-storage.ts';

it('keeps for one user, and shows another nothing of it', () => {
  const kept = createUserStorage(new MemoryStorage());
  kept.save('usr_1', 'payment', { to: 'b1' });
  expect(kept.load('usr_1', 'payment')).toEqual({ to: 'b1' });
  expect(kept.load('usr_2', 'payment')).toBeUndefined();
  kept.save('usr_1', 'payment', undefined);
  expect(kept.load('usr_1', 'payment')).toBeUndefined();
});

it('removes everything of other users, and nothing that is not a user’s', () => {
  const storage = new MemoryStorage();
  const kept = createUserStorage(storage);
  for (const subject of ['usr_1', 'usr_10', 'usr_1.x']) kept.save(subject, 'payment', {});
  storage.setItem('behalf.request.s', 'x');
  kept.forgetOthers('usr_1');
  expect(Object.keys(storage).toSorted()).toEqual(['behalf.request.s', 'behalf.user.usr_1.payment']);
  kept.forgetOthers(undefined);
  expect(Object.keys(storage)).toEqual(['behalf.request.s']);
});

it.each(['', '{', 'null'])('is nothing when the storage holds %j', (text) => {
  const storage = new MemoryStorage();
  storage.setItem('behalf.user.usr_1.payment', text);
  expect(createUserStorage(storage).load('usr_1', 'payment')).toBeUndefined();
});

it('is no error when there is no room left, and then nothing old stays', () => {
  const storage = new MemoryStorage();
  createUserStorage(storage).save('usr_1', 'payment', { to: 'old' });
  storage.setItem = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
  createUserStorage(storage).save('usr_1', 'payment', { to: 'new' });
  expect(createUserStorage(storage).load('usr_1', 'payment')).toBeUndefined();
});
