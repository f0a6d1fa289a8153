import type { LiveTokenCheck } from '@behalf/auth';
import { requireActor, requireLiveToken, requireScope } from '@behalf/auth/express';
import { allowOnly } from '@behalf/service';
import { type RequestHandler, Router } from 'express';

export interface ExperimentDependencies {
  readonly authenticate: RequestHandler;
  /** The one client that may act for a user here. */
  readonly actor: string;
  readonly live: LiveTokenCheck;
}

/**
 * A read that asks the STS whether the token still stands, so that API1's experiments can show the difference to a check
 * that asks nobody. It does nothing. Mounted only while experiments are switched on.
 */
export function experimentRoutes({ authenticate, actor, live }: ExperimentDependencies): Router {
  const routes = Router();
  routes.get(
    '/experiments/live-check',
    authenticate,
    requireScope('api2'),
    requireActor(actor),
    requireLiveToken(live),
    (_request, response) => void response.json({ live: true }),
  );
  routes.all('/experiments/live-check', allowOnly('GET'));
  return routes;
}
