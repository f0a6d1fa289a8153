import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Account,
  digestOfOrder,
  findPaymentFault,
  isLarge,
  parsePaymentOrder,
} from '../../src/domain/payment.ts';

const body = { from: 'acc_1', to: 'acc_2', amount: '12.50', currency: 'EUR', reference: 'Rent' };

const from: Account = { id: 'acc_1', owner: 'alice', name: 'A', currency: 'EUR', balance: 1_250n };

const to: Account = { id: 'acc_2', owner: 'bob', name: 'B', currency: 'EUR', balance: 0n };

const order = { from: 'acc_1', to: 'acc_2', amount: 1_250n, currency: 'EUR', reference: 'Rent' };

describe('parsePaymentOrder', () => {
  it('shapes a well-formed body', () => {
    expect(parsePaymentOrder(body)).toEqual({ ok: true, order });
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a list', [body]],
    ['no amount', { ...body, amount: undefined }],
    ['an amount that is a number', { ...body, amount: 12.5 }],
    ['an amount with one place', { ...body, amount: '12.5' }],
    ['an amount with an exponent', { ...body, amount: '1e2' }],
    ['an amount that is infinite', { ...body, amount: 'Infinity' }],
    ['an endless amount', { ...body, amount: `${'9'.repeat(30)}.00` }],
    ['a currency in lower case', { ...body, currency: 'eur' }],
    ['an account id that is an object', { ...body, from: { $ne: '' } }],
    ['an empty account id', { ...body, to: '' }],
    ['a reference of 141 characters', { ...body, reference: 'x'.repeat(141) }],
    ['a reference with a line break', { ...body, reference: 'a\nb' }],
    ['a reference with half a character', { ...body, reference: 'a\ud800' }],
    ['no reference', { ...body, reference: undefined }],
    ['an unknown member', { ...body, owner: 'bob' }],
  ])('refuses %s', (_what, malformed) => {
    expect(parsePaymentOrder(malformed)).toMatchObject({ ok: false });
  });

  it('never quotes what was sent', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{12,20}$/), (text) => {
        const parsed = parsePaymentOrder({ ...body, amount: text, currency: text, [text]: text });
        expect(JSON.stringify(parsed)).not.toContain(text);
      }),
    );
  });

  it('takes zero, negative amounts and currencies without accounts as well-formed', () => {
    expect(parsePaymentOrder({ ...body, amount: '0.00' })).toMatchObject({ order: { amount: 0n } });
    expect(parsePaymentOrder({ ...body, amount: '-1.00' })).toMatchObject({ order: { amount: -100n } });
    expect(parsePaymentOrder({ ...body, currency: 'XTS' })).toMatchObject({ order: { amount: undefined } });
  });
});

describe('findPaymentFault', () => {
  it('finds nothing when the balance covers the amount exactly', () => {
    expect(findPaymentFault(order, 'alice', from, to)).toBeUndefined();
  });

  it.each([
    ['zero', { ...order, amount: 0n }, from, to, 'amount-not-positive'],
    ['negative', { ...order, amount: -1n }, from, to, 'amount-not-positive'],
    ['one cent too much', { ...order, amount: 1_251n }, from, to, 'insufficient-funds'],
    ['no account to pay from', order, undefined, to, 'unknown-account'],
    ["somebody else's account to pay from", order, { ...from, owner: 'bob' }, to, 'unknown-account'],
    ['no account to pay to', order, from, undefined, 'unknown-account'],
    ['the same account', { ...order, to: 'acc_1' }, from, from, 'same-account'],
    ['another currency at the payer', order, { ...from, currency: 'USD' }, to, 'currency-mismatch'],
    ['another currency at the payee', order, from, { ...to, currency: 'USD' }, 'currency-mismatch'],
    [
      'a currency without accounts',
      { ...order, amount: undefined, currency: 'XTS' },
      from,
      to,
      'currency-mismatch',
    ],
  ] as const)('finds %s', (_what, asked, payer, payee, fault) => {
    expect(findPaymentFault(asked, 'alice', payer, payee)).toBe(fault);
  });
});

describe('digestOfOrder', () => {
  it('differs when any member differs', () => {
    const changed = [
      order,
      { ...order, from: 'acc_3' },
      { ...order, to: 'acc_3' },
      { ...order, amount: 1_251n },
      { ...order, currency: 'USD' },
      { ...order, reference: 'rent' },
    ];
    expect(new Set(changed.map(digestOfOrder)).size).toBe(changed.length);
    expect(digestOfOrder({ ...order })).toBe(digestOfOrder(order));
  });
});

describe('isLarge', () => {
  it.each([
    ['EUR', 49_999n, false],
    ['EUR', 50_000n, true],
    ['USD', 50_000n, true],
    ['JPY', 79_999n, false],
    ['JPY', 80_000n, true],
    ['KWD', 499_999n, false],
    ['KWD', 500_000n, true],
    ['EUR', -50_000n, false],
  ])('tells a payment in %s of %d minor units: %s', (currency, amount, large) => {
    expect(isLarge({ ...order, currency, amount })).toBe(large);
  });

  it('is never a payment in a currency that no account is in', () => {
    expect(isLarge({ ...order, currency: 'XTS', amount: undefined })).toBe(false);
  });
});
