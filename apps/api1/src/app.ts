import { type AccessTokenVerifier, type DelegationClient, resourceMetadataUrl } from '@behalf/auth';
import { requireClient, requireScope } from '@behalf/auth/express';
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
import { createApi2Client } from './clients/api2.ts';
import { addExperiments } from './demo/experiments.ts';
import { accounts } from './routes/accounts.ts';
import { chain } from './routes/chain.ts';
import { insights } from './routes/insights.ts';
import { listPayments, pay, readPayment } from './routes/payments.ts';
import { statistics } from './routes/statistics.ts';

export interface AppDependencies {
  readonly logger: Logger;
  /** Its audience is this service's resource identifier. */
  readonly verifier: AccessTokenVerifier;
  readonly delegation: DelegationClient;
  /** API2. */
  readonly upstream: Upstream;
  /** The client that this service is at the STS. */
  readonly clientId: string;
  /** The origin whose pages may call. */
  readonly webOrigin: string;
  /** What the replicas of this service tell each other; undefined: nothing. */
  readonly channel?: SharedChannel | undefined;
  readonly experiments: boolean;
  /** Epoch seconds. */
  readonly now: () => number;
}

/** API1, the middle tier: it takes tokens for itself alone, and calls API2 on the user's behalf with others. */
export function createApp(dependencies: AppDependencies): Express {
  const { logger, verifier, delegation, upstream, clientId, now } = dependencies;
  const api2 = createApi2Client(upstream, delegation, resourceMetadataUrl(verifier.audience));
  return createApi(
    {
      name: 'API1',
      logger,
      verifier,
      scopes: ['api1'],
      cors: {
        origin: dependencies.webOrigin,
        methods: ['GET', 'POST'],
        requestHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key', 'X-Request-Id'],
        exposedHeaders: [
          'Idempotency-Replayed',
          'Location',
          'Retry-After',
          'WWW-Authenticate',
          'X-Request-Id',
        ],
      },
      logout: { clientId, memories: [delegation], now, channel: dependencies.channel },
    },
    (api, authenticate) => {
      const forTheUser = [authenticate, requireScope('api1')];
      const forAClient = [authenticate, requireScope('api1'), requireClient()];
      const showSteps = collectSteps({ service: 'api1', caller: 'browser' });

      api.get('/identity', forTheUser, identity);
      api.get('/accounts', forTheUser, accounts(api2));
      api.get('/payments', forTheUser, listPayments(api2));
      api.post('/payments', forTheUser, jsonBody(), requireIdempotencyKey, pay(api2));
      api.get('/payments/:id', forTheUser, readPayment(api2));
      api.get('/insights', showSteps, forTheUser, insights(api2));
      api.get('/statistics', forAClient, statistics(api2));
      api.get('/chain', showSteps, forTheUser, chain(api2));
      if (dependencies.experiments) addExperiments(api, forTheUser, showSteps, { delegation, upstream, now });
    },
  );
}
