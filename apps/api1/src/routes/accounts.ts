import type { DelegationClient } from '@behalf/auth';
import { authOf, requireScope } from '@behalf/auth/express';
import { allowOnly } from '@behalf/service';
import { type RequestHandler, Router } from 'express';
import type { Api2Client } from '../clients/api2.ts';
import { relay } from './relay.ts';

export interface AccountDependencies {
  readonly authenticate: RequestHandler;
  readonly delegation: Pick<DelegationClient, 'delegate'>;
  readonly api2: Api2Client;
}

/** The user's token is for this service alone: for API2 another one is obtained, in which this service acts for the user. */
export function accountRoutes({ authenticate, delegation, api2 }: AccountDependencies): Router {
  const routes = Router();
  routes.get('/accounts', authenticate, requireScope('api1'), async (request, response) => {
    const token = authOf(request);
    relay(response, await api2.accounts(() => delegation.delegate({ token, scopes: ['api2'] })));
  });
  routes.all('/accounts', allowOnly('GET'));
  return routes;
}
