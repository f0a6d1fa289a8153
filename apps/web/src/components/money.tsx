import { formatMoney } from '../money/money.ts';

/** An amount in the way of the reader's locale, isolated from the writing direction around it. */
export function Money({ amount, currency }: { amount: string; currency: string }) {
  return <bdi>{formatMoney(amount, currency)}</bdi>;
}
