import type { DelegationClient } from '@behalf/auth';
import { authOf, requireScope } from '@behalf/auth/express';
import { allowOnly } from '@behalf/service';
import { Router, type RequestHandler } from 'express';
import type { Api2Client } from '../clients/api2.ts';

export interface ChainDependencies {
  readonly authenticate: RequestHandler;
  readonly delegation: Pick<DelegationClient, 'delegate'>;
  readonly api2: Api2Client;
}

/** Runs the whole chain and tells what each service saw: decoded claims, never a token. */
export function chainRoutes({ authenticate, delegation, api2 }: ChainDependencies): Router {
  const routes = Router();
  routes.get('/chain', authenticate, requireScope('api1'), async (request, response) => {
    const { claims, token } = authOf(request);
    const { hops, subscription } = await api2.chain(() => delegation.delegate({ token, scopes: ['api2'] }));
    response.json({ hops: [{ service: 'api1', ...claims }, ...hops], subscription });
  });
  routes.all('/chain', allowOnly('GET'));
  return routes;
}
