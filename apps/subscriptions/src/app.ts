import type { AccessTokenVerifier } from '@behalf/auth';
import { protectedResourceMetadata, requireAccessToken } from '@behalf/auth/express';
import { type Database, isUnavailable } from '@behalf/database';
import {
  apiHeaders,
  healthRoutes,
  type Logger,
  notFound,
  problemHandler,
  requestIdOf,
  requestLogging,
} from '@behalf/service';
import express, { type Express } from 'express';
import { identityRoutes } from './routes/identity.ts';
import { userRoutes } from './routes/users.ts';
import type { SubscriptionTables } from './storage.ts';

export interface AppDependencies {
  readonly logger: Logger;
  /** Its audience is this service's resource identifier. */
  readonly verifier: AccessTokenVerifier;
  readonly database: Pick<Database<SubscriptionTables>, 'db' | 'ping'>;
  /** Epoch seconds. */
  readonly now: () => number;
}

/** The subscription service, guarded by the STS. It does not listen yet. */
export function createApp({ logger, verifier, database, now }: AppDependencies): Express {
  const authenticate = requireAccessToken(verifier, {
    onRefused: (refused, request) => logger.info({ request_id: requestIdOf(request), ...refused }, 'refused'),
  });
  const app = express().disable('x-powered-by').disable('etag');
  app.use(requestLogging(logger), apiHeaders());
  app.use(healthRoutes({ ready: database.ping }));
  app.use(
    protectedResourceMetadata({
      resource: verifier.audience,
      authorizationServers: [verifier.issuer],
      scopes: ['subscriptions.read'],
      name: 'Subscriptions',
    }),
  );
  app.use(identityRoutes({ authenticate }));
  app.use(userRoutes({ authenticate, resource: verifier.audience, db: database.db, now }));
  app.use(notFound());
  app.use(problemHandler(logger, { isOutage: isUnavailable }));
  return app;
}
