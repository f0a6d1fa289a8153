import type { DelegationClient } from '@behalf/auth';
import { authOf, requireScope } from '@behalf/auth/express';
import { allowOnly, stepsOf, traceOf, type Upstream } from '@behalf/service';
import { Router, type RequestHandler } from 'express';
import { createAfterLogout } from '../experiments/after-logout.ts';
import { forwardedToken } from '../experiments/forwarded-token.ts';
import { oneScopeTooMany } from '../experiments/one-scope-too-many.ts';
import { splicedChains } from '../experiments/spliced-chains.ts';
import { tokenOfSomeoneElse } from '../experiments/token-of-someone-else.ts';
import { reportedToBrowser } from './reported-to-browser.ts';

export interface ExperimentDependencies {
  readonly authenticate: RequestHandler;
  readonly delegation: DelegationClient;
  /** API2. */
  readonly upstream: Upstream;
  /** Epoch seconds. */
  readonly now: () => number;
}

/**
 * What one must not do, on purpose, and what comes of it. Mounted only while experiments are switched on. The routes take
 * no input but their name, and use only the caller's own tokens.
 */
export function experimentRoutes(dependencies: ExperimentDependencies): Router {
  const forTheUser = [dependencies.authenticate, requireScope('api1')];
  const experiments = [
    forwardedToken,
    oneScopeTooMany,
    tokenOfSomeoneElse,
    splicedChains,
    createAfterLogout(dependencies.now),
  ];
  const routes = Router();

  routes.get('/experiments', ...forTheUser, (_request, response) => {
    response.json({ experiments: experiments.map(({ name }) => name) });
  });
  routes.all('/experiments', allowOnly('GET'));

  for (const { name, run } of experiments) {
    routes.get(`/experiments/${name}`, reportedToBrowser, ...forTheUser, async (request, response) => {
      const { token, sessionId } = authOf(request);
      const trace = traceOf(request);
      const result = await run({
        token,
        sessionId,
        delegation: dependencies.delegation.observedBy(trace.onExchange),
        upstream: trace.observe(dependencies.upstream, 'api2'),
      });
      response.json({ ...result, ...stepsOf(request, 200) });
    });
    routes.all(`/experiments/${name}`, allowOnly('GET'));
  }
  return routes;
}
