import type { DelegationClient } from '@behalf/auth';
import { authOf, requireScope } from '@behalf/auth/express';
import { allowOnly, idempotencyKeyOf, jsonBody, problem, requireIdempotencyKey } from '@behalf/service';
import { type Request, type RequestHandler, Router } from 'express';
import type { Api2Client } from '../clients/api2.ts';
import { relay } from './relay.ts';

export interface PaymentDependencies {
  readonly authenticate: RequestHandler;
  readonly delegation: Pick<DelegationClient, 'delegate'>;
  readonly api2: Api2Client;
}

export function paymentRoutes({ authenticate, delegation, api2 }: PaymentDependencies): Router {
  const routes = Router();
  const forTheUser = [authenticate, requireScope('api1')];
  const delegatedFrom = (request: Request) => {
    const { token } = authOf(request);
    return () => delegation.delegate({ token, scopes: ['api2'] });
  };

  routes.post('/payments', ...forTheUser, jsonBody(), requireIdempotencyKey, async (request, response) => {
    const answer = await api2.pay(delegatedFrom(request), {
      order: request.body as unknown,
      idempotencyKey: idempotencyKeyOf(request),
    });
    relay(response, answer);
  });

  routes.get('/payments', ...forTheUser, async (request, response) => {
    relay(response, await api2.payments(delegatedFrom(request), queryOf(request)));
  });
  routes.all('/payments', allowOnly('GET', 'POST'));

  routes.get('/payments/:id', ...forTheUser, async (request, response) => {
    relay(response, await api2.payment(delegatedFrom(request), String(request.params['id'])));
  });
  routes.all('/payments/:id', allowOnly('GET'));
  return routes;
}

const MAXIMUM_QUERY_LENGTH = 512;

/** The query as it came, for API2 to read; one that is longer than any of API2's is refused here. */
function queryOf({ originalUrl }: Request): string {
  const start = originalUrl.indexOf('?');
  if (start === -1) return '';
  if (originalUrl.length - start <= MAXIMUM_QUERY_LENGTH) return originalUrl.slice(start);
  throw problem({ status: 400, type: 'bad-request', detail: 'The query is too long.' });
}
