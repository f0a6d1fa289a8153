import type { AccessTokenVerifier, DelegationClient, LiveTokenCheck } from '@behalf/auth';
import {
  requireActor,
  requireClaim,
  requireClient,
  requireLiveToken,
  requireRecentAuthentication,
  requireScope,
} from '@behalf/auth/express';
import { type Database, isUnavailable } from '@behalf/database';
import { collectSteps } from '@behalf/demo-steps';
import {
  jsonBody,
  type Logger,
  requireIdempotencyKey,
  type SharedChannel,
  type Upstream,
} from '@behalf/service';
import { createApi, identity } from '@behalf/service/api';
import type { Express } from 'express';
import { createSubscriptionsClient } from './clients/subscriptions.ts';
import { addExperiments } from './demo/experiments.ts';
import { accounts } from './routes/accounts.ts';
import { chain } from './routes/chain.ts';
import { insights } from './routes/insights.ts';
import { ifLarge, listPayments, pay, readOrder, readPayment } from './routes/payments.ts';
import { statistics } from './routes/statistics.ts';
import type { Api2Tables } from './storage/database.ts';

export interface AppDependencies {
  readonly logger: Logger;
  /** Its audience is this service's resource identifier. */
  readonly verifier: AccessTokenVerifier;
  readonly database: Database<Api2Tables>;
  readonly live: LiveTokenCheck;
  readonly delegation: DelegationClient;
  /** The subscription service. */
  readonly subscriptions: Upstream;
  readonly subscriptionsResource: string;
  /** The one client that may act for a user here. */
  readonly actor: string;
  /** The clients that may read a user's accounts. */
  readonly accountActors: readonly [string, ...string[]];
  /** The client that this service is at the STS. */
  readonly clientId: string;
  /** What the replicas of this service tell each other; undefined: nothing. */
  readonly channel?: SharedChannel | undefined;
  readonly experiments: boolean;
  /** Epoch seconds. */
  readonly now: () => number;
}

/** A large payment wants a sign-in that is at most so old. */
const RECENT_SECONDS = 300;

/** API2: accounts and payments, and the reports on them. It takes only tokens in which a known client acts for the user. */
export function createApp(dependencies: AppDependencies): Express {
  const { logger, verifier, database, live, delegation, actor, clientId, now } = dependencies;
  const { db } = database;
  const subscriptions = createSubscriptionsClient(
    dependencies.subscriptions,
    delegation,
    dependencies.subscriptionsResource,
  );
  return createApi(
    {
      name: 'API2',
      logger,
      verifier,
      scopes: ['api2', 'api2.premium', 'api2.statistics'],
      ready: database.ping,
      isOutage: isUnavailable,
      logout: { clientId, memories: [delegation, live], now, channel: dependencies.channel },
    },
    (api, authenticate) => {
      const reader = [authenticate, requireScope('api2'), requireActor(...dependencies.accountActors)];
      const forTheUser = [authenticate, requireScope('api2'), requireActor(actor)];
      const premium = [
        authenticate,
        requireScope('api2.premium'),
        requireActor(actor),
        requireClaim(['subscription', 'status'], 'active'),
      ];
      const forAClient = [
        authenticate,
        requireScope('api2.statistics'),
        requireActor(actor),
        requireClient(),
      ];
      // After the body, which may take long: the token may be revoked or expire meanwhile.
      const stillLive = requireLiveToken(live);
      const recentSignIn = requireRecentAuthentication({ maxAgeSeconds: RECENT_SECONDS });
      // In this order: 401 for the token, 400 for the body, 401 for an old sign-in; only then is the key looked up.
      const payment = [requireIdempotencyKey, jsonBody(), stillLive, readOrder, ifLarge(recentSignIn)];

      api.get('/identity', authenticate, identity);
      api.get('/accounts', reader, accounts(db));
      api.get('/payments', forTheUser, listPayments(db));
      api.post('/payments', forTheUser, payment, pay(db, now));
      api.get('/payments/:id', forTheUser, readPayment(db));
      api.get('/insights', premium, insights(db, now));
      api.get('/statistics', forAClient, statistics(db, now));
      api.get('/chain', collectSteps({ service: 'api2' }), forTheUser, chain(subscriptions));
      if (dependencies.experiments) addExperiments(api, forTheUser, stillLive, verifier);
    },
  );
}
