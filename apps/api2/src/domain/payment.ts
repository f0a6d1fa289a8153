import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseAmount, placesOf } from './money.ts';

export interface Account {
  readonly id: string;
  /** The user (`sub`) it belongs to. */
  readonly owner: string;
  readonly name: string;
  readonly currency: string;
  readonly balance: bigint;
}

/** A payment that a user asks for: well-formed, nothing more. */
export interface PaymentOrder {
  readonly from: string;
  readonly to: string;
  /** Minor units; undefined when no account can be in the currency. Zero and negative are possible here. */
  readonly amount: bigint | undefined;
  readonly currency: string;
  readonly reference: string;
}

export interface BookedPayment extends PaymentOrder {
  readonly id: string;
  readonly amount: bigint;
  /** Epoch seconds. */
  readonly bookedAt: number;
}

export type PaymentFault =
  'amount-not-positive' | 'same-account' | 'unknown-account' | 'currency-mismatch' | 'insufficient-funds';

export const PAYMENT_FAULT_DETAIL: Readonly<Record<PaymentFault, string>> = {
  'amount-not-positive': 'The amount must be more than zero.',
  'same-account': 'The two accounts are the same one.',
  'unknown-account': 'You have no such account to pay from, or there is no such account to pay to.',
  'currency-mismatch': 'Both accounts must be in the currency of the payment.',
  'insufficient-funds': 'The balance does not cover the amount.',
};

const accountId = z.string().regex(/^[\w-]{1,64}$/, 'is not an account id');

const paymentBody = z.strictObject({
  from: accountId,
  to: accountId,
  amount: z
    .string()
    .max(24)
    .regex(/^-?\d+(\.\d+)?$/, 'is not a decimal string'),
  currency: z.string().regex(/^[A-Z]{3}$/, 'is not a currency code'),
  reference: z
    .string()
    .max(140)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'contains control characters'),
});

export type ParsedOrder =
  | { readonly ok: true; readonly order: PaymentOrder }
  | { readonly ok: false; /** Names members, never quotes them. */ readonly faults: readonly string[] };

/** Shapes a request body. Not checked: that the accounts exist, whose they are, the sign of the amount, the balance. */
export function parsePaymentOrder(body: unknown): ParsedOrder {
  const parsed = paymentBody.safeParse(body);
  if (!parsed.success) return { ok: false, faults: parsed.error.issues.map(faultOf) };
  const { amount: text, ...rest } = parsed.data;
  const amount = parseAmount(text, rest.currency);
  const places = placesOf(rest.currency);
  if (amount === undefined && places !== undefined) {
    return {
      ok: false,
      faults: [`amount: needs exactly ${places} decimal places, and at most 15 digits before them`],
    };
  }
  return { ok: true, order: { ...rest, amount } };
}

/**
 * Whether the order can be booked. The accounts are those that its ids name, or undefined. Somebody else's account to
 * pay from is answered like one that does not exist.
 */
export function findPaymentFault(
  order: PaymentOrder,
  payer: string,
  from: Account | undefined,
  to: Account | undefined,
): PaymentFault | undefined {
  if (order.amount !== undefined && order.amount <= 0n) return 'amount-not-positive';
  if (from?.owner !== payer || to === undefined) return 'unknown-account';
  if (from.id === to.id) return 'same-account';
  if (order.amount === undefined || from.currency !== order.currency || to.currency !== order.currency) {
    return 'currency-mismatch';
  }
  return from.balance < order.amount ? 'insufficient-funds' : undefined;
}

/** Tells two orders under one idempotency key apart. */
export function digestOfOrder(order: PaymentOrder): string {
  const { from, to, amount, currency, reference } = order;
  return createHash('sha256')
    .update(JSON.stringify([from, to, String(amount), currency, reference]))
    .digest('base64url');
}

function faultOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return 'the body has a member that is not known';
  return `${issue.path.join('.') || 'the body'}: ${issue.code === 'invalid_type' ? `is not a ${issue.expected}` : issue.message}`;
}
