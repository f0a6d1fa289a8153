import * as z from 'zod/mini';
import type { Session } from '../auth/session.ts';

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
  /** A payment that was sent and never answered: it must be resolved under its key. */
  open: z.optional(z.object({ order: orderSchema, key: z.string() })),
});

/** What the person has typed into the payment form. */
export type PaymentDraft = z.infer<typeof draftSchema>;

export const EMPTY_DRAFT: PaymentDraft = { from: '', to: '', amount: '', reference: '' };

/**
 * Keeps what was typed over a reload and over a sign-in that leaves the page, for this tab and this user only. It is text
 * that the user typed and no credential; signing out removes it.
 */
export interface DraftStore {
  load(subject: string): PaymentDraft;
  save(subject: string, draft: PaymentDraft): void;
  clear(): void;
}

const PREFIX = 'behalf.draft.';

/** Removes what was typed as soon as its user has signed out here, or somebody else has signed in. */
export function forgetAtSignOut(
  drafts: Pick<DraftStore, 'clear'>,
  session: Pick<Session, 'state' | 'subscribe'>,
): void {
  session.subscribe(() => {
    const state = session.state();
    if (state.status !== 'signed_out') return;
    if (state.cause === 'signed_out' || state.cause === 'other_user') drafts.clear();
  });
}

export function createDraftStore(storage: Storage): DraftStore {
  return {
    load(subject) {
      try {
        const parsed = draftSchema.safeParse(JSON.parse(storage.getItem(PREFIX + subject) ?? 'null'));
        return parsed.success ? parsed.data : EMPTY_DRAFT;
      } catch {
        return EMPTY_DRAFT;
      }
    },
    save(subject, draft) {
      storage.setItem(PREFIX + subject, JSON.stringify(draft));
    },
    clear() {
      for (const key of Object.keys(storage)) if (key.startsWith(PREFIX)) storage.removeItem(key);
    },
  };
}
