import type { RequestHandler } from 'express';
import type { Kysely } from 'kysely';
import { countAccountsAndPayments } from '../storage/payments.ts';
import type { Api2Tables } from '../storage/database.ts';

const DAY_SECONDS = 86_400;

/** Two numbers about the whole bank, and nothing about anybody: for clients, without a user. A day begins at midnight UTC. */
export const statistics =
  (db: Kysely<Api2Tables>, now: () => number): RequestHandler =>
  async (_request, response) => {
    const today = now() - (now() % DAY_SECONDS);
    const { accounts, payments } = await countAccountsAndPayments(db, today);
    response.json({ accounts, payments_today: payments });
  };
