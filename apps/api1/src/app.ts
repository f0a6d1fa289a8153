import { type AccessTokenVerifier, type DelegationClient, resourceMetadataUrl } from '@behalf/auth';
import {
  backchannelLogout,
  delegationProblems,
  protectedResourceMetadata,
  requireAccessToken,
} from '@behalf/auth/express';
import {
  allowOnly,
  allowOrigin,
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
import { createApi2Client } from './clients/api2.ts';
import { experimentRoutes } from './demo/experiments.ts';
import { accountRoutes } from './routes/accounts.ts';
import { chainRoutes } from './routes/chain.ts';
import { identityRoutes } from './routes/identity.ts';
import { insightRoutes } from './routes/insights.ts';
import { paymentRoutes } from './routes/payments.ts';

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
  readonly experiments: boolean;
  /** Epoch seconds. */
  readonly now: () => number;
}

/** API1, the middle tier: it takes tokens for itself alone, and calls API2 on the user's behalf with others. */
export function createApp(dependencies: AppDependencies): Express {
  const { logger, verifier, delegation, upstream, now } = dependencies;
  const authenticate = requireAccessToken(verifier, {
    onRefused: (refused, request) => logger.info({ request_id: requestIdOf(request), ...refused }, 'refused'),
  });
  const resourceMetadata = resourceMetadataUrl(verifier.audience);
  const api2 = createApi2Client({ upstream, delegation, resourceMetadata });

  const app = express().disable('x-powered-by').disable('etag');
  app.use(requestLogging(logger), apiHeaders());
  app.use(
    allowOrigin({
      origin: dependencies.webOrigin,
      methods: ['GET', 'POST'],
      requestHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key', 'X-Request-Id'],
      exposedHeaders: ['Idempotency-Replayed', 'Location', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'],
    }),
  );
  app.use(healthRoutes({ ready: () => undefined }));
  app.use(
    protectedResourceMetadata({
      resource: verifier.audience,
      authorizationServers: [verifier.issuer],
      scopes: ['api1'],
      name: 'API1',
    }),
  );
  app.post(
    '/backchannel-logout',
    backchannelLogout({
      issuer: verifier.issuer,
      clientId: dependencies.clientId,
      keySet: verifier.keySet,
      onLogout({ sid, sub }) {
        if (sid !== undefined) delegation.forgetSession(sid);
        else if (sub !== undefined) delegation.forgetSubject(sub);
      },
    }),
  );
  app.all('/backchannel-logout', allowOnly('POST'));

  app.use(identityRoutes({ authenticate }));
  app.use(accountRoutes({ authenticate, delegation, api2 }));
  app.use(paymentRoutes({ authenticate, delegation, api2 }));
  app.use(insightRoutes({ authenticate, delegation, upstream, resourceMetadata }));
  app.use(chainRoutes({ authenticate, delegation, upstream, resourceMetadata }));
  if (dependencies.experiments) app.use(experimentRoutes({ authenticate, delegation, upstream, now }));

  app.use(notFound());
  app.use(delegationProblems({ membersOf: stepsOf }));
  app.use(problemHandler(logger, { membersOf: stepsOf }));
  return app;
}
