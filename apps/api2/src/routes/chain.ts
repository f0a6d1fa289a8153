import { authOf } from '@behalf/auth/express';
import type { RequestHandler } from 'express';
import type { SubscriptionsClient } from '../clients/subscriptions.ts';

/** The chain's last hop: this service exchanges the token that it got and calls on, for the same user. */
export const chain =
  (subscriptions: SubscriptionsClient): RequestHandler =>
  async (request, response) => {
    const { sub, claims, token } = authOf(request);
    const [seen, subscription] = await Promise.all([
      subscriptions.identity(token),
      subscriptions.subscriptionOf(sub, token),
    ]);
    response.json({
      hops: [
        { service: 'api2', ...claims },
        { service: 'subscriptions', ...seen },
      ],
      subscription,
    });
  };
