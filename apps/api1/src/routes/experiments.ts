import type { DelegationClient } from '@behalf/auth';
import { authOf, requireScope } from '@behalf/auth/express';
import { allowOnly, type Upstream } from '@behalf/service';
import { Router, type RequestHandler } from 'express';

export interface ExperimentDependencies {
  readonly authenticate: RequestHandler;
  readonly delegation: Pick<DelegationClient, 'delegate' | 'withToken'>;
  readonly upstream: Upstream;
}

/**
 * What one must not do, on purpose, and what comes of it: the user's own token is forwarded to API2, which refuses it.
 * Mounted only while experiments are switched on. The routes take no input, and use only the caller's own tokens.
 */
export function experimentRoutes({ authenticate, delegation, upstream }: ExperimentDependencies): Router {
  const routes = Router();
  routes.get(
    '/experiments/forwarded-token',
    authenticate,
    requireScope('api1'),
    async (request, response) => {
      const { token } = authOf(request);
      const forwarded = await upstream.send({ path: '/accounts', accessToken: token });
      const delegated = await delegation.withToken(
        () => delegation.delegate({ token, scopes: ['api2'] }),
        ({ accessToken }) => upstream.send({ path: '/accounts', accessToken }),
      );
      response.json({
        forwarded: {
          status: forwarded.status,
          challenge: forwarded.headers.get('www-authenticate'),
          problem: forwarded.status < 400 ? null : (forwarded.json ?? null),
        },
        delegated: { status: delegated.status },
      });
    },
  );
  routes.all('/experiments/forwarded-token', allowOnly('GET'));
  return routes;
}
