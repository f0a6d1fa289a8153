import type { Kysely, Selectable } from 'kysely';
import type { BookedPayment } from '../domain/payment.ts';
import type { Api2Tables } from './schema.ts';

/** What every id looks like. Anything else is nobody's payment, and is not put to the database: PostgreSQL takes no NUL. */
const PAYMENT_ID = 'pay_[\\w-]{1,40}';
const IS_PAYMENT_ID = new RegExp(`^${PAYMENT_ID}$`);
const IS_CURSOR = new RegExp(`^(?<at>\\d{1,12}) (?<id>${PAYMENT_ID})$`);

export interface PaymentPage {
  readonly payments: readonly BookedPayment[];
  /** Opaque; null on the last page. */
  readonly next: string | null;
}

/** One payment that this user made; undefined for an unknown id and for somebody else's. */
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

/** What this user paid since `since` (epoch seconds), newest first, at most `limit`. */
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
