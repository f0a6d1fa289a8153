/** Amounts are whole minor units, times epoch seconds. */
import type { ColumnType } from 'kysely';

type MinorUnits = ColumnType<number, bigint, bigint | number>;

export interface Api2Tables {
  accounts: {
    id: string;
    owner: string;
    name: string;
    currency: string;
    balance: MinorUnits;
  };
  payments: {
    id: string;
    payer: string;
    from_account: string;
    to_account: string;
    amount: MinorUnits;
    currency: string;
    reference: string;
    booked_at: number;
  };
  /** What each payment request was answered, under its idempotency key. Kept as long as the payments are. */
  payment_answers: {
    payer: string;
    idempotency_key: string;
    order_digest: string;
    /** JSON of `PaymentAnswer`. */
    answer: string;
    answered_at: number;
  };
}
