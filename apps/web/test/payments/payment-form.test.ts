import { expect, it } from 'vitest';
import { checkForm } from '../../src/payments/payment-form.ts';

const accounts = [
  { id: 'a1', name: 'Everyday', currency: 'EUR', balance: '100.00' },
  { id: 'a2', name: 'Travel', currency: 'JPY', balance: '5000' },
];
const draft = { from: 'a1', to: ' b1 ', amount: '12.5', reference: ' Lunch ' };

it('makes an order in the currency of the account, trimmed and with all places', () => {
  expect(checkForm(draft, accounts, 'en')).toEqual({
    ok: true,
    order: { from: 'a1', to: 'b1', amount: '12.50', currency: 'EUR', reference: 'Lunch' },
  });
});

it('lets the bank decide whether the balance suffices', () => {
  expect(checkForm({ ...draft, amount: '1000000' }, accounts, 'en').ok).toBe(true);
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
  const checked = checkForm({ ...draft, ...change }, accounts, 'en');
  expect(checked).toMatchObject({ ok: false, faults: { [field]: expect.stringMatching(text) } });
});
