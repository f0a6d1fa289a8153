import type { Kysely, Selectable } from 'kysely';
import type { Account } from '../domain/payment.ts';
import type { Api2Tables } from './schema.ts';

/** A user's own accounts, in a fixed order. Empty for a user who has none. */
export async function accountsOf(db: Kysely<Api2Tables>, owner: string): Promise<readonly Account[]> {
  const rows = await db.selectFrom('accounts').selectAll().where('owner', '=', owner).orderBy('id').execute();
  return rows.map(toAccount);
}

export function toAccount(row: Selectable<Api2Tables['accounts']>): Account {
  return { ...row, balance: BigInt(row.balance) };
}
