import { expect, it } from 'vitest';
import { EMPTY_DRAFT, readDraft } from '../../src/payments/draft.ts';

const draft = { from: 'a1', to: 'b1', amount: '12,5', reference: 'Lunch' };

it('is read as it was kept, with a payment that was not answered', () => {
  const open = { order: { ...draft, amount: '12.50', currency: 'EUR' }, key: 'k' };
  expect(readDraft({ ...draft, open })).toEqual({ ...draft, open });
});

it.each([undefined, null, 'x', { from: 1 }])('begins anew when %j was kept', (kept) => {
  expect(readDraft(kept)).toEqual(EMPTY_DRAFT);
});
