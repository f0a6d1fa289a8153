import type { LiveTokenCheck } from '@behalf/auth';
import { authOf, requireActor, requireLiveToken, requireScope } from '@behalf/auth/express';
import { allowOnly, idempotencyKeyOf, jsonBody, problem, requireIdempotencyKey } from '@behalf/service';
import { type Request, type RequestHandler, Router } from 'express';
import type { Kysely } from 'kysely';
import {
  type BookedPayment,
  formatAmount,
  parsePaymentOrder,
  PAYMENT_FAULT_DETAIL,
} from '../domain/payment.ts';
import type { Api2Tables } from '../storage/database.ts';
import { bookPayment, findPayment, pageOfPayments } from '../storage/payments.ts';

export interface PaymentDependencies {
  readonly authenticate: RequestHandler;
  /** The one client that may act for a user here. */
  readonly actor: string;
  readonly live: LiveTokenCheck;
  readonly db: Kysely<Api2Tables>;
  /** Epoch seconds. */
  readonly now: () => number;
}

export function paymentRoutes({ authenticate, actor, live, db, now }: PaymentDependencies): Router {
  const routes = Router();
  const forTheUser = [authenticate, requireScope('api2'), requireActor(actor)];
  const inProgress = createInProgress();

  routes.post(
    '/payments',
    ...forTheUser,
    requireLiveToken(live),
    requireIdempotencyKey,
    jsonBody(),
    async (request, response) => {
      const payer = authOf(request).sub;
      const idempotencyKey = idempotencyKeyOf(request);
      const parsed = parsePaymentOrder(request.body);
      if (!parsed.ok) throw malformed(parsed.faults);
      const outcome = await inProgress(payer, idempotencyKey, () =>
        bookPayment(db, { payer, idempotencyKey, order: parsed.order, now: now() }),
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
    },
  );

  routes.get('/payments', ...forTheUser, async (request, response) => {
    const page = await pageOfPayments(db, authOf(request).sub, pageOf(request));
    if (page === undefined) throw badPage('cursor');
    response.json({ payments: page.payments.map(represent), next: page.next });
  });
  routes.all('/payments', allowOnly('GET', 'POST'));

  routes.get('/payments/:id', ...forTheUser, async (request, response) => {
    const { id } = request.params;
    const payment = typeof id === 'string' ? await findPayment(db, authOf(request).sub, id) : undefined;
    if (payment === undefined) {
      throw problem({ status: 404, type: 'not-found', detail: 'You made no such payment.' });
    }
    response.json(represent(payment));
  });
  routes.all('/payments/:id', allowOnly('GET'));
  return routes;
}

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
 * Refuses a second request with a key while this process answers the first (409). Other processes' requests wait in the
 * database. Nothing is left behind when a request ends, however it ends.
 */
export function createInProgress() {
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
