import { authOf, requireScope } from '@behalf/auth/express';
import { allowOnly } from '@behalf/service';
import { Router, type RequestHandler } from 'express';

export interface IdentityDependencies {
  readonly authenticate: RequestHandler;
}

/** Who calls, as this service sees it: the claims of the verified token, never the token. */
export function identityRoutes({ authenticate }: IdentityDependencies): Router {
  const routes = Router();
  routes.get('/identity', authenticate, requireScope('api1'), (request, response) => {
    response.json(authOf(request).claims);
  });
  routes.all('/identity', allowOnly('GET'));
  return routes;
}
