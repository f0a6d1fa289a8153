import type { DelegationClient } from '@behalf/auth';
import { authOf, requireScope } from '@behalf/auth/express';
import { allowOnly } from '@behalf/service';
import { Router, type RequestHandler } from 'express';
import type { Api2Client } from '../clients/api2.ts';
import { passOn } from './pass-on.ts';

export interface InsightDependencies {
  readonly authenticate: RequestHandler;
  readonly delegation: Pick<DelegationClient, 'translate'>;
  readonly api2: Api2Client;
}

/** The `translation` grant: the STS looks at the user's subscription before it gives out the premium scope. */
export function insightRoutes({ authenticate, delegation, api2 }: InsightDependencies): Router {
  const routes = Router();
  routes.get('/insights', authenticate, requireScope('api1'), async (request, response) => {
    const { token } = authOf(request);
    passOn(response, await api2.insights(() => delegation.translate({ token, scopes: ['api2.premium'] })));
  });
  routes.all('/insights', allowOnly('GET'));
  return routes;
}
