import * as z from 'zod/mini';

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
  open: z.optional(z.object({ order: orderSchema, key: z.string() })),
});

/** The payment form as the person has filled it in. Text, and no credential. */
export type PaymentDraft = z.infer<typeof draftSchema>;

export const EMPTY_DRAFT: PaymentDraft = { from: '', to: '', amount: '', reference: '' };

/** The form as it was kept over a reload or a sign-in that leaves the page; empty when it is in another form. */
export function readDraft(kept: unknown): PaymentDraft {
  const parsed = draftSchema.safeParse(kept);
  return parsed.success ? parsed.data : EMPTY_DRAFT;
}
