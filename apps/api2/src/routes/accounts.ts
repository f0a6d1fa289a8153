import { authOf, requireActor, requireScope } from '@behalf/auth/express';
import { allowOnly } from '@behalf/service';
import { type RequestHandler, Router } from 'express';
import type { Kysely } from 'kysely';
import { formatAmount } from '../domain/payment.ts';
import { accountsOf, type Api2Tables } from '../storage/database.ts';

export interface AccountDependencies {
  readonly authenticate: RequestHandler;
  /** The one client that may act for a user here. */
  readonly actor: string;
  readonly db: Kysely<Api2Tables>;
}

export function accountRoutes({ authenticate, actor, db }: AccountDependencies): Router {
  const routes = Router();
  routes.get(
    '/accounts',
    authenticate,
    requireScope('api2'),
    requireActor(actor),
    async (request, response) => {
      const accounts = await accountsOf(db, authOf(request).sub);
      response.json({
        accounts: accounts.map(({ id, name, currency, balance }) => ({
          id,
          name,
          currency,
          balance: formatAmount(balance, currency),
        })),
      });
    },
  );
  routes.all('/accounts', allowOnly('GET'));
  return routes;
}
