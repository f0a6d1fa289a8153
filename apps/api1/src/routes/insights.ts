import type { DelegationClient } from '@behalf/auth';
import { authOf, requireScope } from '@behalf/auth/express';
import { allowOnly, stepsOf, traceOf, type Upstream } from '@behalf/service';
import { type RequestHandler, Router } from 'express';
import { createApi2Client } from '../clients/api2.ts';
import { relay, reportedToBrowser } from './relay.ts';

export interface InsightDependencies {
  readonly authenticate: RequestHandler;
  readonly delegation: DelegationClient;
  /** API2. */
  readonly upstream: Upstream;
  /** Where this service's own metadata is (RFC 9728), for its challenges. */
  readonly resourceMetadata: string;
}

/**
 * The `translation` grant: the STS looks at the user's subscription before it gives out the premium scope. Also tells what
 * happened on the way, so that a refusal is seen where it was made.
 */
export function insightRoutes(dependencies: InsightDependencies): Router {
  const { authenticate, resourceMetadata } = dependencies;
  const routes = Router();
  routes.get(
    '/insights',
    reportedToBrowser,
    authenticate,
    requireScope('api1'),
    async (request, response) => {
      const { token } = authOf(request);
      const trace = traceOf(request);
      const delegation = dependencies.delegation.observedBy(trace.onExchange);
      const upstream = trace.observe(dependencies.upstream, 'api2');
      const api2 = createApi2Client({ upstream, delegation, resourceMetadata });
      const answer = await api2.insights(() => delegation.translate({ token, scopes: ['api2.premium'] }));
      relay(response, { ...answer, json: { ...answer.json, ...stepsOf(request, answer.status) } });
    },
  );
  routes.all('/insights', allowOnly('GET'));
  return routes;
}
