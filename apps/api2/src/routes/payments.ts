import { authOf } from '@behalf/auth/express';
import { idempotencyKeyOf, problem } from '@behalf/service';
import type { Request, RequestHandler } from 'express';
import type { Kysely } from 'kysely';
import {
  type BookedPayment,
  formatAmount,
  isLarge,
  parsePaymentOrder,
  PAYMENT_FAULT_DETAIL,
  type PaymentOrder,
} from '../domain/payment.ts';
import type { Api2Tables } from '../storage/database.ts';
import { bookPayment, findPayment, pageOfPayments } from '../storage/payments.ts';

const orders = new WeakMap<Request, PaymentOrder>();

/** Reads the order from the body for the handlers after it; 400 when it is malformed. */
export const readOrder: RequestHandler = (request, _response, next) => {
  const parsed = parsePaymentOrder(request.body);
  if (!parsed.ok) throw malformed(parsed.faults);
  orders.set(request, parsed.order);
  next();
};

function orderOf(request: Request): PaymentOrder {
  const order = orders.get(request);
  if (order === undefined) throw new Error('readOrder does not stand before this route');
  return order;
}

/** Lets a check decide on large payments alone. It comes before anything is looked up under the idempotency key. */
export const ifLarge =
  (check: RequestHandler): RequestHandler =>
  (request, response, next) =>
    isLarge(orderOf(request)) ? check(request, response, next) : next();

/** Books a payment of the user. For a request behind `requireIdempotencyKey`, `requireLiveToken` and `readOrder`. */
export function pay(db: Kysely<Api2Tables>, now: () => number): RequestHandler {
  const inProgress = createInProgress();
  return async (request, response) => {
    const payer = authOf(request).sub;
    const idempotencyKey = idempotencyKeyOf(request);
    const order = orderOf(request);
    const outcome = await inProgress(payer, idempotencyKey, () =>
      bookPayment(db, { payer, idempotencyKey, order, now: now() }),
    );
    if (outcome.kind === 'key-reused') throw keyReused();
    if (outcome.replayed) response.set('Idempotency-Replayed', 'true');
    if (outcome.kind === 'refused') {
      throw problem({
        status: 422,
        type: outcome.fault,
        title: 'The payment was not booked',
        detail: PAYMENT_FAULT_DETAIL[outcome.fault],
      });
    }
    response.status(201).location(`/payments/${outcome.payment.id}`).json(represent(outcome.payment));
  };
}

/** The payments that the user made, newest first, a page at a time. */
export const listPayments =
  (db: Kysely<Api2Tables>): RequestHandler =>
  async (request, response) => {
    const page = await pageOfPayments(db, authOf(request).sub, pageOf(request));
    if (page === undefined) throw badPage('cursor');
    response.json({ payments: page.payments.map(represent), next: page.next });
  };

export const readPayment =
  (db: Kysely<Api2Tables>): RequestHandler<{ id: string }> =>
  async (request, response) => {
    const payment = await findPayment(db, authOf(request as Request).sub, request.params.id);
    if (payment === undefined) {
      throw problem({ status: 404, type: 'not-found', detail: 'You made no such payment.' });
    }
    response.json(represent(payment));
  };

function represent({ id, from, to, amount, currency, reference, bookedAt }: BookedPayment) {
  return {
    id,
    status: 'booked',
    from,
    to,
    amount: formatAmount(amount, currency),
    currency,
    reference,
    bookedAt: new Date(bookedAt * 1000).toISOString(),
  };
}

const DEFAULT_LIMIT = 20;

const MAXIMUM_LIMIT = 100;

function pageOf(request: Request): { limit: number; cursor: string | undefined } {
  const { limit = String(DEFAULT_LIMIT), cursor } = request.query;
  if (typeof limit !== 'string' || !/^[1-9]\d{0,2}$/.test(limit) || Number(limit) > MAXIMUM_LIMIT) {
    throw badPage('limit');
  }
  if (cursor !== undefined && (typeof cursor !== 'string' || cursor.length > 128)) throw badPage('cursor');
  return { limit: Number(limit), cursor };
}

function badPage(parameter: 'limit' | 'cursor') {
  const detail =
    parameter === 'limit'
      ? `limit is not a number from 1 to ${MAXIMUM_LIMIT}.`
      : 'cursor is not one of ours.';
  return problem({ status: 400, type: 'bad-request', detail });
}

function malformed(faults: readonly string[]) {
  return problem({
    status: 400,
    type: 'malformed-payment',
    title: 'Malformed payment',
    detail: `${faults.join('; ')}.`,
  });
}

function keyReused() {
  return problem({
    status: 422,
    type: 'idempotency-key-reused',
    title: 'Idempotency-Key used before',
    detail: 'This Idempotency-Key belongs to another payment. Take a new key for a new payment.',
  });
}

/**
 * Refuses a second request with a key while this process answers the first (409). Requests to other processes wait in the
 * database.
 */
function createInProgress() {
  const keys = new Set<string>();
  return async <Result>(payer: string, key: string, work: () => Promise<Result>): Promise<Result> => {
    const name = JSON.stringify([payer, key]);
    if (keys.has(name)) {
      throw problem({
        status: 409,
        type: 'payment-in-progress',
        title: 'In progress',
        detail: 'A request with this Idempotency-Key is being answered. Ask again for its answer.',
        headers: { 'Retry-After': '1' },
      });
    }
    keys.add(name);
    try {
      return await work();
    } finally {
      keys.delete(name);
    }
  };
}
