import { authOf } from '@behalf/auth/express';
import { idempotencyKeyOf, problem } from '@behalf/service';
import type { Request, RequestHandler } from 'express';
import type { Api2Client } from '../clients/api2.ts';
import { relay } from './relay.ts';

/** For a request behind `jsonBody` and `requireIdempotencyKey`. */
export const pay =
  (api2: Api2Client): RequestHandler =>
  async (request, response) => {
    relay(response, await api2.pay(authOf(request), request.body, idempotencyKeyOf(request)));
  };

export const listPayments =
  (api2: Api2Client): RequestHandler =>
  async (request, response) => {
    relay(response, await api2.payments(authOf(request), queryOf(request)));
  };

export const readPayment =
  (api2: Api2Client): RequestHandler<{ id: string }> =>
  async (request, response) => {
    relay(response, await api2.payment(authOf(request as Request), request.params.id));
  };

const MAXIMUM_QUERY_LENGTH = 512;

/** The query as it came, for API2 to read. API2 has no query that is longer than the limit. */
function queryOf({ originalUrl }: Request): string {
  const start = originalUrl.indexOf('?');
  if (start === -1) return '';
  if (originalUrl.length - start <= MAXIMUM_QUERY_LENGTH) return originalUrl.slice(start);
  throw problem({ status: 400, type: 'bad-request', detail: 'The query is too long.' });
}
