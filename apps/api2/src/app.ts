import type { AccessTokenVerifier, DelegationClient, LiveTokenCheck } from '@behalf/auth';
import {
  backchannelLogout,
  delegationProblems,
  protectedResourceMetadata,
  requireAccessToken,
} from '@behalf/auth/express';
import { type Database, isUnavailable } from '@behalf/database';
import {
  allowOnly,
  apiHeaders,
  healthRoutes,
  type Logger,
  notFound,
  problemHandler,
  requestIdOf,
  requestLogging,
  stepsOf,
  type Upstream,
} from '@behalf/service';
import express, { type Express } from 'express';
import { experimentRoutes } from './demo/experiments.ts';
import { accountRoutes } from './routes/accounts.ts';
import { chainRoutes } from './routes/chain.ts';
import { identityRoutes } from './routes/identity.ts';
import { insightRoutes } from './routes/insights.ts';
import { paymentRoutes } from './routes/payments.ts';
import type { Api2Tables } from './storage/database.ts';

export interface AppDependencies {
  readonly logger: Logger;
  /** Its audience is this service's resource identifier. */
  readonly verifier: AccessTokenVerifier;
  readonly database: Pick<Database<Api2Tables>, 'db' | 'ping'>;
  readonly live: LiveTokenCheck;
  readonly delegation: DelegationClient;
  /** The subscription service. */
  readonly subscriptions: Upstream;
  readonly subscriptionsResource: string;
  /** The one client that may act for a user here. */
  readonly actor: string;
  /** The client that this service is at the STS. */
  readonly clientId: string;
  readonly experiments: boolean;
  /** Epoch seconds. */
  readonly now: () => number;
}

/** API2: accounts, payments and what is made of them. It takes only tokens that API1 got on the user's behalf. */
export function createApp(dependencies: AppDependencies): Express {
  const { logger, verifier, database, live, delegation, actor, now } = dependencies;
  const { db } = database;
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
      scopes: ['api2', 'api2.premium'],
      name: 'API2',
    }),
  );
  app.post(
    '/backchannel-logout',
    backchannelLogout({
      issuer: verifier.issuer,
      clientId: dependencies.clientId,
      keySet: verifier.keySet,
      now,
      onLogout({ sid, sub }) {
        for (const memory of [delegation, live]) {
          if (sid !== undefined) memory.forgetSession(sid);
          else if (sub !== undefined) memory.forgetSubject(sub);
        }
      },
    }),
  );
  app.all('/backchannel-logout', allowOnly('POST'));

  app.use(identityRoutes({ authenticate }));
  app.use(accountRoutes({ authenticate, actor, db }));
  app.use(paymentRoutes({ authenticate, actor, live, db, now }));
  app.use(insightRoutes({ authenticate, actor, db, now }));
  app.use(chainRoutes({ ...dependencies, authenticate }));
  if (dependencies.experiments) app.use(experimentRoutes({ authenticate, actor, live }));

  app.use(notFound());
  app.use(delegationProblems({ membersOf: stepsOf }));
  app.use(problemHandler(logger, { isOutage: isUnavailable, membersOf: stepsOf }));
  return app;
}
