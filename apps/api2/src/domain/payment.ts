import { createHash } from 'node:crypto';
import { z } from 'zod';

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

/** From these amounts on, in minor units, a payment is large. */
const LARGE_WHOLE_UNITS: Readonly<Record<string, bigint>> = { JPY: 80_000n };
const LARGE_WHOLE_UNITS_ELSEWHERE = 500n;

/** Whether a payment wants a recent sign-in. One in a currency without accounts is not large, because it is never booked. */
export function isLarge({ amount, currency }: PaymentOrder): boolean {
  const places = placesOf(currency);
  if (amount === undefined || places === undefined) return false;
  return amount >= (LARGE_WHOLE_UNITS[currency] ?? LARGE_WHOLE_UNITS_ELSEWHERE) * 10n ** BigInt(places);
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

/**
 * Money: whole minor units (cents, yen) inside, decimal strings with the currency's places outside. Never a float.
 */

/** Decimal places of each currency that the bank keeps accounts in (ISO 4217). */
const PLACES: Readonly<Record<string, number>> = { CHF: 2, EUR: 2, GBP: 2, JPY: 0, KWD: 3, USD: 2 };

/** Longer whole parts are malformed; with three places the result still fits a 64-bit integer. */
const MAXIMUM_WHOLE_DIGITS = 15;

const DECIMAL = /^(?<sign>-?)(?<whole>0|[1-9]\d*)(?:\.(?<fraction>\d+))?$/;

/** Decimal places of a currency; undefined for one in which no account can be. */
export function placesOf(currency: string): number | undefined {
  return Object.hasOwn(PLACES, currency) ? PLACES[currency] : undefined;
}

/**
 * Minor units of a decimal string such as `12.50`; undefined unless it has exactly the currency's places, no leading
 * zeros, no exponent, no plus sign, and at most 15 digits before the point. Zero and negative amounts parse.
 */
export function parseAmount(text: string, currency: string): bigint | undefined {
  const places = placesOf(currency);
  const { sign, whole, fraction = '' } = DECIMAL.exec(text)?.groups ?? {};
  if (places === undefined || whole === undefined) return undefined;
  if (whole.length > MAXIMUM_WHOLE_DIGITS || fraction.length !== places) return undefined;
  const units = BigInt(whole + fraction);
  return sign === '-' ? -units : units;
}

/** The decimal string of an amount in minor units. Throws RangeError for a currency that the bank does not keep. */
export function formatAmount(minorUnits: bigint, currency: string): string {
  const places = placesOf(currency);
  if (places === undefined) throw new RangeError(`no accounts are kept in ${currency}`);
  const sign = minorUnits < 0n ? '-' : '';
  const digits = (minorUnits < 0n ? -minorUnits : minorUnits).toString().padStart(places + 1, '0');
  if (places === 0) return sign + digits;
  return `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}
