import type { DelegationClient } from '@behalf/auth';
import { authOf, requireActor, requireScope } from '@behalf/auth/express';
import { allowOnly } from '@behalf/service';
import { Router, type RequestHandler } from 'express';
import type { SubscriptionsClient } from '../clients/subscriptions.ts';

export interface ChainDependencies {
  readonly authenticate: RequestHandler;
  /** The one client that may act for a user here. */
  readonly actor: string;
  readonly delegation: Pick<DelegationClient, 'exchange'>;
  readonly subscriptions: SubscriptionsClient;
  /** Resource identifier of the subscription service. */
  readonly subscriptionsResource: string;
}

/** The chain's last hop: this service exchanges the token that it got (RFC 8693) and calls on, for the same user. */
export function chainRoutes(dependencies: ChainDependencies): Router {
  const { authenticate, actor, delegation, subscriptions, subscriptionsResource } = dependencies;
  const routes = Router();
  routes.get('/chain', authenticate, requireScope('api2'), requireActor(actor), async (request, response) => {
    const { sub, claims, token } = authOf(request);
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
    });
  });
  routes.all('/chain', allowOnly('GET'));
  return routes;
}
