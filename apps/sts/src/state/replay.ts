import type { Kysely } from 'kysely';
import { digestOf, type StsSchema } from './schema.ts';

/** Consumes a value that counts once. True for the first caller, false for every other, on any replica (RFC 9449 §11.1, RFC 7523 §3). */
export type Consume = (issuer: string, jti: string, expiresAt: number) => Promise<boolean>;

/** One insert decides, so parallel replays cannot pass between a look and a write. `use` keeps values of different uses apart. */
export function createReplayCache(db: Kysely<StsSchema>, use: string): Consume {
  return async (issuer, jti, expiresAt) => {
    const inserted = await db
      .insertInto('replays')
      .values({ digest: digestOf(JSON.stringify([use, issuer, jti])), expires_at: Math.ceil(expiresAt) })
      .onConflict((conflict) => conflict.column('digest').doNothing())
      .returning('digest')
      .executeTakeFirst();
    return inserted !== undefined;
  };
}
