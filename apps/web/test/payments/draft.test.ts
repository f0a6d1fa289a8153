import { beforeEach, expect, it } from 'vitest';
import { MemoryStorage } from '../support/memory-storage.ts';
import { createDraftStore, EMPTY_DRAFT } from '../../src/payments/draft.ts';

const draft = { from: 'a1', to: 'b1', amount: '12,5', reference: 'Lunch' };
let storage: MemoryStorage;

beforeEach(() => {
  storage = new MemoryStorage();
});

it('keeps what one user typed, and a payment without an answer', () => {
  const open = { order: { ...draft, amount: '12.50', currency: 'EUR' }, key: 'k' };
  createDraftStore(storage).save('usr_1', { ...draft, open });
  expect(createDraftStore(storage).load('usr_1')).toEqual({ ...draft, open });
});

it('shows one user nothing of another', () => {
  createDraftStore(storage).save('usr_1', draft);
  expect(createDraftStore(storage).load('usr_2')).toEqual(EMPTY_DRAFT);
});

it.each(['', 'null', '{', '{"from":1}'])('begins anew when the stored text is %s', (text) => {
  storage.setItem('behalf.draft.usr_1', text);
  expect(createDraftStore(storage).load('usr_1')).toEqual(EMPTY_DRAFT);
});

it('removes every draft on signing out, and nothing else', () => {
  createDraftStore(storage).save('usr_1', draft);
  storage.setItem('behalf.oidc.state', 'x');
  createDraftStore(storage).clear();
  expect(createDraftStore(storage).load('usr_1')).toEqual(EMPTY_DRAFT);
  expect(storage.getItem('behalf.oidc.state')).toBe('x');
});
