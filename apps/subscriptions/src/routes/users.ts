import { bearerChallenge, type RequestAuth, resourceMetadataUrl } from '@behalf/auth';
import { authOf } from '@behalf/auth/express';
import { problem } from '@behalf/service';
import type { Request, RequestHandler } from 'express';
import type { Kysely } from 'kysely';
import { findSubscription, type SubscriptionTables } from '../storage.ts';

type UserRequestHandler = RequestHandler<{ sub: string }>;

/** The client as which the STS asks about any user. Only the STS itself can be it. */
const USER_SUBSCRIPTION_CLIENT = 'userSubscriptionClient';

/** The user's record; 404 when there is none. */
export const readUser =
  (db: Kysely<SubscriptionTables>, now: () => number): UserRequestHandler =>
  async (request, response) => {
    const subscription = await findSubscription(db, request.params.sub, now());
    if (subscription === undefined) {
      throw problem({
        status: 404,
        type: 'no-subscription',
        title: 'No subscription',
        detail: 'This user has none.',
      });
    }
    response.json(subscription);
  };

/** Lets the STS's own client read every record, and each user their own. `resource` is this service's identifier. */
export function requireOwnRecord(resource: string): UserRequestHandler {
  const detail = 'The access token is for another user.';
  const challenge = bearerChallenge({
    error: 'insufficient_scope',
    description: detail,
    resourceMetadata: resourceMetadataUrl(resource),
  });
  return (request, _response, next) => {
    if (mayRead(authOf(request as Request), request.params.sub)) return next();
    throw problem({
      status: 403,
      type: 'not-your-subscription',
      title: "Somebody else's subscription",
      detail,
      headers: { 'WWW-Authenticate': challenge },
    });
  };
}

/** No other client acts for the STS's own one. */
function mayRead(auth: RequestAuth, subject: string): boolean {
  if (auth.clientId === USER_SUBSCRIPTION_CLIENT) {
    return auth.sub === USER_SUBSCRIPTION_CLIENT && auth.actor === undefined;
  }
  return auth.sub === subject;
}
