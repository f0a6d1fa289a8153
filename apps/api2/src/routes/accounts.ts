import { authOf } from '@behalf/auth/express';
import type { RequestHandler } from 'express';
import type { Kysely } from 'kysely';
import { formatAmount } from '../domain/payment.ts';
import { type Api2Tables, prepareAccountsOf } from '../storage/database.ts';

/** The user's own accounts. */
export function accounts(db: Kysely<Api2Tables>): RequestHandler {
  const accountsOf = prepareAccountsOf(db);
  return async (request, response) => {
    const found = await accountsOf(authOf(request).sub);
    response.json({
      accounts: found.map(({ id, name, currency, balance }) => ({
        id,
        name,
        currency,
        balance: formatAmount(balance, currency),
      })),
    });
  };
}
