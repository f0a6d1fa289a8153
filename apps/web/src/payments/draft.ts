import * as z from 'zod/mini';
import type { Account, PaymentOrder } from '../api/api1.ts';
import { parseAmount, placesOf, type ParsedAmount } from '../text/money.ts';

const orderSchema = z.object({
  from: z.string(),
  to: z.string(),
  amount: z.string(),
  currency: z.string(),
  reference: z.string(),
});

const draftSchema = z.object({
  from: z.string(),
  to: z.string(),
  /** As typed. */
  amount: z.string(),
  reference: z.string(),
  /** A payment that was sent and not answered. It must be sent again under its key before another one. */
  open: z.optional(
    z.object({
      order: orderSchema,
      key: z.string(),
      /** The answer was that the bank wants a recent sign-in first. */
      signIn: z.optional(z.object({ maxAgeSeconds: z.number(), mayBeBooked: z.boolean() })),
    }),
  ),
});

/** The payment form as the person has filled it in. Text, and no credential. */
export type PaymentDraft = z.infer<typeof draftSchema>;

export const EMPTY_DRAFT: PaymentDraft = { from: '', to: '', amount: '', reference: '' };

/** The form as it was kept over a reload or a sign-in that leaves the page; empty when it is in another form. */
export function readDraft(kept: unknown): PaymentDraft {
  const parsed = draftSchema.safeParse(kept);
  return parsed.success ? parsed.data : EMPTY_DRAFT;
}

export type FieldFaults = Partial<Record<'from' | 'to' | 'amount' | 'reference', string>>;

export type CheckedForm =
  { readonly ok: true; readonly order: PaymentOrder } | { readonly ok: false; readonly faults: FieldFaults };

export const LONGEST_REFERENCE = 140;

/**
 * Checks what can be checked here, in the person's words. Whether the balance suffices and the target exists is for the
 * bank to say: balances here may be old.
 */
export function checkForm(draft: PaymentDraft, accounts: readonly Account[], locale?: string): CheckedForm {
  const account = accounts.find(({ id }) => id === draft.from);
  const to = draft.to.trim();
  const amount = parseAmount(draft.amount, account?.currency ?? 'EUR', locale);
  const reference = draft.reference.trim();
  const faults: FieldFaults = {
    ...(account ? {} : { from: 'Choose the account to pay from.' }),
    ...(to === '' ? { to: 'Enter the account to pay to.' } : {}),
    ...(to !== '' && to === draft.from ? { to: 'Choose an account other than the one you pay from.' } : {}),
    ...(amount.ok ? {} : { amount: amountFault(amount, account?.currency) }),
    ...(reference === '' ? { reference: 'Say what the payment is for.' } : {}),
    ...(reference.length > LONGEST_REFERENCE
      ? { reference: `Use at most ${LONGEST_REFERENCE} characters.` }
      : {}),
  };
  if (!account || !amount.ok || Object.keys(faults).length > 0) return { ok: false, faults };
  return {
    ok: true,
    order: { from: account.id, to, amount: amount.amount, currency: account.currency, reference },
  };
}

function amountFault(parsed: Extract<ParsedAmount, { ok: false }>, currency = 'EUR'): string {
  switch (parsed.fault) {
    case 'missing':
      return 'Enter an amount.';
    case 'not_a_number':
      return 'Enter an amount such as 12.50, without separators between thousands.';
    case 'too_many_places':
      return `${currency} has ${placesOf(currency)} decimal places at most.`;
    case 'not_positive':
      return 'Enter an amount above zero.';
    case 'too_long':
      return 'This amount is too large.';
  }
}

/** An account of another person that can be paid to. */
export interface ExampleTarget {
  readonly id: string;
  readonly owner: string;
}

const BOBS: ExampleTarget = { id: 'acc_b1_everyday', owner: 'bob' };
const ALICES: ExampleTarget = { id: 'acc_a1_everyday', owner: 'alice' };

/** An account in the development data that is not one's own, for who does not know any. */
export function exampleTarget(own: readonly Pick<Account, 'id'>[]): ExampleTarget {
  return own.some(({ id }) => id === BOBS.id) ? ALICES : BOBS;
}
