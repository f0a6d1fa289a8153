import { authOf } from '@behalf/auth/express';
import type { RequestHandler } from 'express';
import type { Kysely } from 'kysely';
import { type Account, type BookedPayment, formatAmount } from '../domain/payment.ts';
import { type Api2Tables, prepareAccountsOf } from '../storage/database.ts';
import { paymentsSince } from '../storage/payments.ts';

const PERIOD_SECONDS = 90 * 86_400;

const MAXIMUM_PAYMENTS = 10_000;

/** The premium report. `now` gives epoch seconds. */
export function insights(db: Kysely<Api2Tables>, now: () => number): RequestHandler {
  const accountsOf = prepareAccountsOf(db);
  return async (request, response) => {
    const { sub, claims } = authOf(request);
    const to = now();
    const from = to - PERIOD_SECONDS;
    const [payments, accounts] = await Promise.all([
      paymentsSince(db, sub, { since: from, limit: MAXIMUM_PAYMENTS }),
      accountsOf(sub),
    ]);
    response.json({
      subscription: claims['subscription'],
      ...computeInsights(payments, accounts, { from, to }),
    });
  };
}

export interface Insights {
  /** ISO dates, both included. */
  readonly period: { readonly from: string; readonly to: string };
  /** One per currency; payments between the user's own accounts are not spending. */
  readonly totals: readonly {
    readonly currency: string;
    readonly payments: number;
    readonly spent: string;
    readonly average: string;
    readonly largest: string;
    readonly movedBetweenOwnAccounts: string;
  }[];
  /** The receivers that the user paid most, at most five. */
  readonly payees: readonly {
    readonly account: string;
    readonly currency: string;
    readonly payments: number;
    readonly total: string;
  }[];
  /** Spending per calendar month (UTC) and currency, oldest first. */
  readonly months: readonly { readonly month: string; readonly currency: string; readonly spent: string }[];
}

const MAXIMUM_PAYEES = 5;

/** The premium report over a user's own payments in a period (epoch seconds). */
export function computeInsights(
  payments: readonly BookedPayment[],
  accounts: readonly Account[],
  period: { readonly from: number; readonly to: number },
): Insights {
  const own = new Set(accounts.map(({ id }) => id));
  const spending = payments.filter(({ to }) => !own.has(to));
  const moved = payments.filter(({ to }) => own.has(to));
  const currencies = [...new Set(payments.map(({ currency }) => currency))].toSorted();
  return {
    period: { from: isoDate(period.from), to: isoDate(period.to) },
    totals: currencies.map((currency) => totalsOf(currency, spending, moved)),
    payees: payeesOf(spending),
    months: monthsOf(spending),
  };
}

function totalsOf(
  currency: string,
  spending: readonly BookedPayment[],
  moved: readonly BookedPayment[],
): Insights['totals'][number] {
  const amounts = spending.filter((payment) => payment.currency === currency).map(({ amount }) => amount);
  const spent = sum(amounts);
  const count = BigInt(amounts.length);
  return {
    currency,
    payments: amounts.length,
    spent: formatAmount(spent, currency),
    average: formatAmount(count === 0n ? 0n : (2n * spent + count) / (2n * count), currency),
    largest: formatAmount(
      amounts.reduce((largest, amount) => (amount > largest ? amount : largest), 0n),
      currency,
    ),
    movedBetweenOwnAccounts: formatAmount(
      sum(moved.filter((payment) => payment.currency === currency).map(({ amount }) => amount)),
      currency,
    ),
  };
}

function payeesOf(spending: readonly BookedPayment[]): Insights['payees'] {
  const groups = Map.groupBy(spending, ({ to }) => to);
  return [...groups.values()]
    .flatMap(([first, ...rest]) => (first === undefined ? [] : [{ first, all: [first, ...rest] }]))
    .map(({ first, all }) => ({ first, payments: all.length, total: sum(all.map(({ amount }) => amount)) }))
    .toSorted((one, other) => (one.total < other.total ? 1 : one.total > other.total ? -1 : 0))
    .slice(0, MAXIMUM_PAYEES)
    .map(({ first, payments, total }) => ({
      account: first.to,
      currency: first.currency,
      payments,
      total: formatAmount(total, first.currency),
    }));
}

function monthsOf(spending: readonly BookedPayment[]): Insights['months'] {
  const groups = Map.groupBy(
    spending,
    ({ bookedAt, currency }) => `${isoDate(bookedAt).slice(0, 7)} ${currency}`,
  );
  return [...groups.entries()]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, payments]) => {
      const [month = '', currency = ''] = key.split(' ');
      return { month, currency, spent: formatAmount(sum(payments.map(({ amount }) => amount)), currency) };
    });
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}

function isoDate(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString().slice(0, 10);
}
