import { authOf, requireActor, requireClaim, requireScope } from '@behalf/auth/express';
import { allowOnly } from '@behalf/service';
import { Router, type RequestHandler } from 'express';
import type { Kysely } from 'kysely';
import { computeInsights } from '../domain/insights.ts';
import { accountsOf } from '../storage/accounts.ts';
import { paymentsSince } from '../storage/payments.ts';
import type { Api2Tables } from '../storage/schema.ts';

export interface InsightDependencies {
  readonly authenticate: RequestHandler;
  /** The one client that may act for a user here. */
  readonly actor: string;
  readonly db: Kysely<Api2Tables>;
  /** Epoch seconds. */
  readonly now: () => number;
}

const PERIOD_SECONDS = 90 * 86_400;
const MAXIMUM_PAYMENTS = 10_000;

export function insightRoutes({ authenticate, actor, db, now }: InsightDependencies): Router {
  const routes = Router();
  routes.get(
    '/insights',
    authenticate,
    requireScope('api2.premium'),
    requireActor(actor),
    requireClaim(['subscription', 'status'], 'active'),
    async (request, response) => {
      const { sub, claims } = authOf(request);
      const to = now();
      const from = to - PERIOD_SECONDS;
      const [payments, accounts] = await Promise.all([
        paymentsSince(db, sub, { since: from, limit: MAXIMUM_PAYMENTS }),
        accountsOf(db, sub),
      ]);
      response.json({
        subscription: claims['subscription'],
        ...computeInsights(payments, accounts, { from, to }),
      });
    },
  );
  routes.all('/insights', allowOnly('GET'));
  return routes;
}
