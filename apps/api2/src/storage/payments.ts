import { randomBytes } from 'node:crypto';
import type { Kysely, Selectable, Transaction } from 'kysely';
import {
  type Account,
  type BookedPayment,
  digestOfOrder,
  findPaymentFault,
  type PaymentFault,
  type PaymentOrder,
} from '../domain/payment.ts';
import { type Api2Tables, toAccount } from './database.ts';

/** The form of every id. Another text is not looked up, because PostgreSQL takes no NUL. */
const PAYMENT_ID = 'pay_[\\w-]{1,40}';

const IS_PAYMENT_ID = new RegExp(`^${PAYMENT_ID}$`);

const IS_CURSOR = new RegExp(`^(?<at>\\d{1,12}) (?<id>${PAYMENT_ID})$`);

export interface PaymentPage {
  readonly payments: readonly BookedPayment[];
  /** Opaque; null on the last page. */
  readonly next: string | null;
}

/** One payment that this user made; undefined for an unknown id and for another user's. */
export async function findPayment(
  db: Kysely<Api2Tables>,
  payer: string,
  id: string,
): Promise<BookedPayment | undefined> {
  if (!IS_PAYMENT_ID.test(id)) return undefined;
  const row = await db
    .selectFrom('payments')
    .selectAll()
    .where('id', '=', id)
    .where('payer', '=', payer)
    .executeTakeFirst();
  return row === undefined ? undefined : toPayment(row);
}

/** The payments that this user made, newest first. A cursor that is not one of ours gives undefined. */
export async function pageOfPayments(
  db: Kysely<Api2Tables>,
  payer: string,
  { limit, cursor }: { limit: number; cursor: string | undefined },
): Promise<PaymentPage | undefined> {
  let query = db.selectFrom('payments').selectAll().where('payer', '=', payer);
  if (cursor !== undefined) {
    const after = parseCursor(cursor);
    if (after === undefined) return undefined;
    query = query.where(({ and, eb, or }) =>
      or([
        eb('booked_at', '<', after.bookedAt),
        and([eb('booked_at', '=', after.bookedAt), eb('id', '<', after.id)]),
      ]),
    );
  }
  const rows = await query
    .orderBy('booked_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  const payments = rows.slice(0, limit).map(toPayment);
  const last = payments.at(-1);
  return { payments, next: rows.length > limit && last !== undefined ? cursorAfter(last) : null };
}

/** The user's payments since `since` (epoch seconds), newest first, at most `limit`. */
export async function paymentsSince(
  db: Kysely<Api2Tables>,
  payer: string,
  { since, limit }: { since: number; limit: number },
): Promise<readonly BookedPayment[]> {
  const rows = await db
    .selectFrom('payments')
    .selectAll()
    .where('payer', '=', payer)
    .where('booked_at', '>=', since)
    .orderBy('booked_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(toPayment);
}

/** How many accounts there are, and how many payments were booked since `since` (epoch seconds). */
export async function countAccountsAndPayments(
  db: Kysely<Api2Tables>,
  since: number,
): Promise<{ accounts: number; payments: number }> {
  const { accounts, payments } = await db
    .selectNoFrom(({ fn, selectFrom }) => [
      selectFrom('accounts').select(fn.countAll().as('count')).as('accounts'),
      selectFrom('payments').where('booked_at', '>=', since).select(fn.countAll().as('count')).as('payments'),
    ])
    .executeTakeFirstOrThrow();
  return { accounts: Number(accounts), payments: Number(payments) };
}

export function toPayment(row: Selectable<Api2Tables['payments']>): BookedPayment {
  return {
    id: row.id,
    from: row.from_account,
    to: row.to_account,
    amount: BigInt(row.amount),
    currency: row.currency,
    reference: row.reference,
    bookedAt: row.booked_at,
  };
}

function cursorAfter({ bookedAt, id }: BookedPayment): string {
  return Buffer.from(`${bookedAt} ${id}`).toString('base64url');
}

function parseCursor(cursor: string): { bookedAt: number; id: string } | undefined {
  const { at, id } = IS_CURSOR.exec(Buffer.from(cursor, 'base64url').toString())?.groups ?? {};
  return at === undefined || id === undefined ? undefined : { bookedAt: Number(at), id };
}

/** The answer to a payment request, the same for every repetition of the request. */
export type PaymentAnswer = { readonly booked: string } | { readonly refused: PaymentFault };

export type PaymentOutcome =
  | { readonly kind: 'booked'; readonly payment: BookedPayment; readonly replayed: boolean }
  | { readonly kind: 'refused'; readonly fault: PaymentFault; readonly replayed: boolean }
  /** The key was used for another order. */
  | { readonly kind: 'key-reused' };

export interface PaymentRequest {
  /** The user who asks, and pays. */
  readonly payer: string;
  readonly idempotencyKey: string;
  readonly order: PaymentOrder;
  /** Epoch seconds. */
  readonly now: number;
}

/**
 * Books a payment, or refuses it, once per payer and idempotency key. Money and answer change in one transaction: after
 * a crash at any moment either both are there or neither is, so a key never stays "in progress".
 * Not checked: whether the payer may pay at all; the caller has done so.
 */
export function bookPayment(db: Kysely<Api2Tables>, request: PaymentRequest): Promise<PaymentOutcome> {
  return db.transaction().execute(async (transaction) => {
    const digest = digestOfOrder(request.order);
    // A parallel request with the same key waits here until this transaction ends.
    const claimed = await transaction
      .insertInto('payment_answers')
      .values({
        payer: request.payer,
        idempotency_key: request.idempotencyKey,
        order_digest: digest,
        answer: '',
        answered_at: request.now,
      })
      .onConflict((conflict) => conflict.columns(['payer', 'idempotency_key']).doNothing())
      .returning('payer')
      .executeTakeFirst();
    if (claimed === undefined) return replay(transaction, request, digest);
    const outcome = await book(transaction, request);
    const answer: PaymentAnswer =
      outcome.kind === 'booked' ? { booked: outcome.payment.id } : { refused: outcome.fault };
    await transaction
      .updateTable('payment_answers')
      .set({ answer: JSON.stringify(answer) })
      .where('payer', '=', request.payer)
      .where('idempotency_key', '=', request.idempotencyKey)
      .execute();
    return outcome;
  });
}

type FirstOutcome = Exclude<PaymentOutcome, { kind: 'key-reused' }>;

async function book(transaction: Transaction<Api2Tables>, request: PaymentRequest): Promise<FirstOutcome> {
  const { order, payer, now } = request;
  const accounts = await lockAccounts(transaction, [order.from, order.to]);
  const fault = findPaymentFault(order, payer, accounts.get(order.from), accounts.get(order.to));
  if (fault !== undefined || order.amount === undefined) {
    return { kind: 'refused', fault: fault ?? 'currency-mismatch', replayed: false };
  }
  const { amount } = order;
  // The condition repeats what was decided under the lock, so that no mistake above can overdraw.
  const debited = await transaction
    .updateTable('accounts')
    .set((account) => ({ balance: account('balance', '-', Number(amount)) }))
    .where('id', '=', order.from)
    .where('owner', '=', payer)
    .where('balance', '>=', Number(amount))
    .returning('id')
    .executeTakeFirst();
  if (debited === undefined) return { kind: 'refused', fault: 'insufficient-funds', replayed: false };
  await transaction
    .updateTable('accounts')
    .set((account) => ({ balance: account('balance', '+', Number(amount)) }))
    .where('id', '=', order.to)
    .execute();
  const payment = { ...order, amount, id: newPaymentId(), bookedAt: now };
  await transaction
    .insertInto('payments')
    .values({
      id: payment.id,
      payer,
      from_account: order.from,
      to_account: order.to,
      amount,
      currency: order.currency,
      reference: order.reference,
      booked_at: now,
    })
    .execute();
  return { kind: 'booked', payment, replayed: false };
}

/** Locks rows by an update that changes nothing, which both engines have, in one order, so that two payments never wait for each other. */
async function lockAccounts(
  transaction: Transaction<Api2Tables>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Account>> {
  const accounts = new Map<string, Account>();
  for (const id of new Set(ids.toSorted())) {
    const row = await transaction
      .updateTable('accounts')
      .set((account) => ({ name: account.ref('name') }))
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    if (row !== undefined) accounts.set(id, toAccount(row));
  }
  return accounts;
}

async function replay(
  transaction: Transaction<Api2Tables>,
  { payer, idempotencyKey }: PaymentRequest,
  digest: string,
): Promise<PaymentOutcome> {
  const kept = await transaction
    .selectFrom('payment_answers')
    .select(['order_digest', 'answer'])
    .where('payer', '=', payer)
    .where('idempotency_key', '=', idempotencyKey)
    .executeTakeFirstOrThrow();
  if (kept.order_digest !== digest) return { kind: 'key-reused' };
  const answer = JSON.parse(kept.answer) as PaymentAnswer;
  if ('refused' in answer) return { kind: 'refused', fault: answer.refused, replayed: true };
  const payment = await transaction
    .selectFrom('payments')
    .selectAll()
    .where('id', '=', answer.booked)
    .executeTakeFirstOrThrow();
  return { kind: 'booked', payment: toPayment(payment), replayed: true };
}

function newPaymentId(): string {
  return `pay_${randomBytes(12).toString('base64url')}`;
}
