import type { DelegationClient } from '@behalf/auth';
import { authOf, requireActor, requireScope } from '@behalf/auth/express';
import { allowOnly, reportSteps, stepsOf, traceOf, type Upstream } from '@behalf/service';
import { Router, type RequestHandler } from 'express';
import { createSubscriptionsClient } from '../clients/subscriptions.ts';

export interface ChainDependencies {
  readonly authenticate: RequestHandler;
  /** The one client that may act for a user here. */
  readonly actor: string;
  readonly delegation: DelegationClient;
  /** The subscription service. */
  readonly subscriptions: Upstream;
  /** Its resource identifier. */
  readonly subscriptionsResource: string;
}

/** The chain's last hop: this service exchanges the token that it got (RFC 8693) and calls on, for the same user. */
export function chainRoutes(dependencies: ChainDependencies): Router {
  const { authenticate, actor, subscriptionsResource } = dependencies;
  const forTheUser = [authenticate, requireScope('api2'), requireActor(actor)];
  const routes = Router();
  routes.get('/chain', reportSteps({ service: 'api2' }), ...forTheUser, async (request, response) => {
    const { sub, claims, token } = authOf(request);
    const trace = traceOf(request);
    const delegation = dependencies.delegation.observedBy(trace.onExchange);
    const subscriptions = createSubscriptionsClient(
      trace.observe(dependencies.subscriptions, 'subscriptions'),
      delegation,
    );
    const source = () =>
      delegation.exchange({
        subjectToken: token,
        scopes: ['subscriptions.read'],
        resource: subscriptionsResource,
      });
    const [seen, subscription] = await Promise.all([
      subscriptions.identity(source),
      subscriptions.subscriptionOf(sub, source),
    ]);
    response.json({
      hops: [
        { service: 'api2', ...claims },
        { service: 'subscriptions', ...seen },
      ],
      subscription,
      ...stepsOf(request, 200),
    });
  });
  routes.all('/chain', allowOnly('GET'));
  return routes;
}
