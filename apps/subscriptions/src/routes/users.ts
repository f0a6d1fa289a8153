import { bearerChallenge, type RequestAuth, resourceMetadataUrl } from '@behalf/auth';
import { authOf, requireScope } from '@behalf/auth/express';
import { allowOnly, problem } from '@behalf/service';
import { type RequestHandler, Router } from 'express';
import type { Kysely } from 'kysely';
import { findSubscription, type SubscriptionTables } from '../storage.ts';

/** The client as which the STS asks about any user. From outside nobody can be it. */
const USER_SUBSCRIPTION_CLIENT = 'userSubscriptionClient';

export interface UserDependencies {
  readonly authenticate: RequestHandler;
  /** This service's resource identifier. */
  readonly resource: string;
  readonly db: Kysely<SubscriptionTables>;
  /** Epoch seconds. */
  readonly now: () => number;
}

export function userRoutes({ authenticate, resource, db, now }: UserDependencies): Router {
  const routes = Router();
  routes.get('/users/:sub', authenticate, requireScope('subscriptions.read'), async (request, response) => {
    const { sub } = request.params;
    if (typeof sub !== 'string' || !mayRead(authOf(request), sub)) {
      const detail = 'The access token is for another user.';
      const resourceMetadata = resourceMetadataUrl(resource);
      throw problem({
        status: 403,
        type: 'not-your-subscription',
        title: "Somebody else's subscription",
        detail,
        headers: {
          'WWW-Authenticate': bearerChallenge({
            error: 'insufficient_scope',
            description: detail,
            resourceMetadata,
          }),
        },
      });
    }
    const subscription = await findSubscription(db, sub, now());
    if (subscription === undefined) {
      throw problem({
        status: 404,
        type: 'no-subscription',
        title: 'No subscription',
        detail: 'This user has none.',
      });
    }
    response.json(subscription);
  });
  routes.all('/users/:sub', allowOnly('GET'));
  return routes;
}

/** The STS's own client reads anybody's record, and nobody acts for it; everyone else reads their own. */
function mayRead(auth: RequestAuth, subject: string): boolean {
  if (auth.clientId === USER_SUBSCRIPTION_CLIENT) {
    return auth.sub === USER_SUBSCRIPTION_CLIENT && auth.actor === undefined;
  }
  return auth.sub === subject;
}
