import type { DelegationClient } from '@behalf/auth';
import { authOf, requireScope } from '@behalf/auth/express';
import { allowOnly, jsonBody } from '@behalf/service';
import { Router, type Request, type RequestHandler } from 'express';
import type { Api2Client } from '../clients/api2.ts';
import { passOn } from './pass-on.ts';

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

  routes.post('/payments', ...forTheUser, jsonBody(), async (request, response) => {
    const answer = await api2.pay(delegatedFrom(request), {
      order: request.body as unknown,
      idempotencyKey: request.get('idempotency-key'),
    });
    passOn(response, answer);
  });

  routes.get('/payments', ...forTheUser, async (request, response) => {
    const start = request.originalUrl.indexOf('?');
    const query = start === -1 ? '' : request.originalUrl.slice(start);
    passOn(response, await api2.payments(delegatedFrom(request), query));
  });
  routes.all('/payments', allowOnly('GET', 'POST'));

  routes.get('/payments/:id', ...forTheUser, async (request, response) => {
    passOn(response, await api2.payment(delegatedFrom(request), String(request.params['id'])));
  });
  routes.all('/payments/:id', allowOnly('GET'));
  return routes;
}
