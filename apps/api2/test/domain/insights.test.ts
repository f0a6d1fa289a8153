import { describe, expect, it } from 'vitest';
import type { Account, BookedPayment } from '../../src/domain/payment.ts';
import { computeInsights } from '../../src/routes/insights.ts';

const accounts: Account[] = ['own1', 'own2'].map((id) => ({
  id,
  owner: 'alice',
  name: id,
  currency: 'EUR',
  balance: 0n,
}));

const day = (iso: string) => Date.parse(`${iso}T12:00:00Z`) / 1000;

const pay = (to: string, amount: bigint, on: string, currency = 'EUR'): BookedPayment => ({
  id: `pay_${to}${on}`,
  from: 'own1',
  to,
  amount,
  currency,
  reference: '',
  bookedAt: day(on),
});

describe('computeInsights', () => {
  it('counts what went to others as spending, and what stayed with the user apart', () => {
    const payments = [
      pay('shop', 1_001n, '2026-10-02'),
      pay('shop', 2_000n, '2026-11-01'),
      pay('friend', 500n, '2026-11-20'),
      pay('own2', 40_000n, '2026-11-03'),
      pay('hotel', 9_000n, '2026-11-04', 'JPY'),
    ];
    expect(computeInsights(payments, accounts, { from: day('2026-09-01'), to: day('2026-11-22') })).toEqual({
      period: { from: '2026-09-01', to: '2026-11-22' },
      totals: [
        {
          currency: 'EUR',
          payments: 3,
          spent: '35.01',
          average: '11.67',
          largest: '20.00',
          movedBetweenOwnAccounts: '400.00',
        },
        {
          currency: 'JPY',
          payments: 1,
          spent: '9000',
          average: '9000',
          largest: '9000',
          movedBetweenOwnAccounts: '0',
        },
      ],
      payees: [
        { account: 'hotel', currency: 'JPY', payments: 1, total: '9000' },
        { account: 'shop', currency: 'EUR', payments: 2, total: '30.01' },
        { account: 'friend', currency: 'EUR', payments: 1, total: '5.00' },
      ],
      months: [
        { month: '2026-10', currency: 'EUR', spent: '10.01' },
        { month: '2026-11', currency: 'EUR', spent: '25.00' },
        { month: '2026-11', currency: 'JPY', spent: '9000' },
      ],
    });
  });

  it('is empty, not wrong, for a user who has paid nothing', () => {
    expect(computeInsights([], accounts, { from: 0, to: 86_400 })).toEqual({
      period: { from: '1970-01-01', to: '1970-01-02' },
      totals: [],
      payees: [],
      months: [],
    });
  });
});
