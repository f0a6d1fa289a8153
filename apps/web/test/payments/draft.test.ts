import { expect, it } from 'vitest';
import { EMPTY_DRAFT, checkForm, exampleTarget, readDraft } from '../../src/payments/draft.ts';

const draft = { from: 'a1', to: 'b1', amount: '12,5', reference: 'Lunch' };

it('is read as it was kept, with a payment that was not answered', () => {
  const open = { order: { ...draft, amount: '12.50', currency: 'EUR' }, key: 'k' };
  expect(readDraft({ ...draft, open })).toEqual({ ...draft, open });
  const waiting = { ...open, signIn: { maxAgeSeconds: 300, mayBeBooked: false } };
  expect(readDraft({ ...draft, open: waiting })).toEqual({ ...draft, open: waiting });
});

it.each([undefined, null, 'x', { from: 1 }])('begins anew when %j was kept', (kept) => {
  expect(readDraft(kept)).toEqual(EMPTY_DRAFT);
});

const accounts = [
  { id: 'a1', name: 'Everyday', currency: 'EUR', balance: '100.00' },
  { id: 'a2', name: 'Travel', currency: 'JPY', balance: '5000' },
];
const typed = { from: 'a1', to: ' b1 ', amount: '12.5', reference: ' Lunch ' };

it('makes an order in the currency of the account, trimmed and with all places', () => {
  expect(checkForm(typed, accounts, 'en')).toEqual({
    ok: true,
    order: { from: 'a1', to: 'b1', amount: '12.50', currency: 'EUR', reference: 'Lunch' },
  });
});

it('lets the bank decide whether the balance suffices', () => {
  expect(checkForm({ ...typed, amount: '1000000' }, accounts, 'en').ok).toBe(true);
});

it.each([
  ['from', { from: 'b1' }, /pay from/],
  ['to', { to: '  ' }, /pay to/],
  ['to', { to: 'a1' }, /other than/],
  ['amount', { amount: '' }, /Enter an amount/],
  ['amount', { amount: '1,000' }, /thousands/],
  ['amount', { amount: '0' }, /above zero/],
  ['amount', { from: 'a2', amount: '1.5' }, /JPY has 0/],
  ['reference', { reference: ' ' }, /what the payment is for/],
  ['reference', { reference: 'x'.repeat(141) }, /140/],
] as const)('says what is wrong with "%s": %o', (field, change, text) => {
  const checked = checkForm({ ...typed, ...change }, accounts, 'en');
  expect(checked).toMatchObject({ ok: false, faults: { [field]: expect.stringMatching(text) } });
});

it.each([
  ['alice', 'acc_a1_everyday', 'bob'],
  ['bob', 'acc_b1_everyday', 'alice'],
  ['carol', 'acc_c1_everyday', 'bob'],
])('for %s is an account of somebody else', (_user, own, owner) => {
  const example = exampleTarget([{ id: own }]);
  expect(example.owner).toBe(owner);
  expect(example.id).not.toBe(own);
});
