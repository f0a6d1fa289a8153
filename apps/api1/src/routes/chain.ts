import type { DelegationClient } from '@behalf/auth';
import { authOf, requireScope } from '@behalf/auth/express';
import { allowOnly, stepsOf, traceOf, type Upstream } from '@behalf/service';
import { type RequestHandler, Router } from 'express';
import { createApi2Client } from '../clients/api2.ts';
import { reportedToBrowser } from './relay.ts';

export interface ChainDependencies {
  readonly authenticate: RequestHandler;
  readonly delegation: DelegationClient;
  /** API2. */
  readonly upstream: Upstream;
  /** Where this service's own metadata is (RFC 9728), for its challenges. */
  readonly resourceMetadata: string;
}

/**
 * Runs the whole chain and tells what each service saw, decoded claims and never a token, and what happened on the way,
 * also when the chain is refused.
 */
export function chainRoutes(dependencies: ChainDependencies): Router {
  const { authenticate, resourceMetadata } = dependencies;
  const routes = Router();
  routes.get('/chain', reportedToBrowser, authenticate, requireScope('api1'), async (request, response) => {
    const { claims, token } = authOf(request);
    const trace = traceOf(request);
    const delegation = dependencies.delegation.observedBy(trace.onExchange);
    const upstream = trace.observe(dependencies.upstream, 'api2');
    const api2 = createApi2Client({ upstream, delegation, resourceMetadata });
    const { hops, subscription } = await api2.chain(() => delegation.delegate({ token, scopes: ['api2'] }));
    response.json({
      hops: [{ service: 'api1', ...claims }, ...hops],
      subscription,
      ...stepsOf(request, 200),
    });
  });
  routes.all('/chain', allowOnly('GET'));
  return routes;
}
