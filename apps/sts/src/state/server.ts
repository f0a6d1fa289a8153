import type { Database } from '@behalf/database';
import { SettingsError } from '@behalf/service';
import { type Kysely, sql } from 'kysely';
import type { Config } from '../config.ts';
import type { StsSchema } from './schema.ts';

/**
 * The database belongs to the first server that started on it, by issuer and mode (production or development). Any other
 * server or command is refused by name, because it would write another registry's addresses, users and secrets.
 */
export async function claimDatabase({ db }: Database<StsSchema>, config: Config): Promise<void> {
  const mode = modeOf(config);
  await db
    .updateTable('server')
    .set({ issuer: config.registry.issuer, mode })
    .where('issuer', 'is', null)
    .execute();
  await assertOwnDatabase(db, config);
  const addresses = mode === 'development' ? JSON.stringify(config.addresses) : null;
  await db
    .updateTable('server')
    .set({ addresses })
    .where(sql<boolean>`addresses is distinct from ${addresses}`)
    .execute();
}

/** Throws SettingsError when the database belongs to no server yet, or to another one than this configuration's. */
export async function assertOwnDatabase(db: Kysely<StsSchema>, config: Config): Promise<void> {
  const { issuer, mode } = await db.selectFrom('server').selectAll().executeTakeFirstOrThrow();
  const mine = modeOf(config);
  if (issuer === null) {
    throw new SettingsError(['no STS has started on this database yet: start one, or run "sts seed"']);
  }
  if (issuer !== config.registry.issuer || mode !== mine) {
    throw new SettingsError([
      `the database belongs to the STS with ISSUER=${issuer} in ${mode ?? 'no mode'}, not to one with ISSUER=${config.registry.issuer} in ${mine}: set ISSUER and NODE_ENV, or DATABASE_URL or DATA_DIR`,
    ]);
  }
}

/**
 * The identifiers and addresses of the development server that this database belongs to, as settings; none of a production
 * server, whose settings an operator gives on purpose.
 */
export async function developmentSettingsIn(
  db: Kysely<StsSchema>,
): Promise<Readonly<Record<string, string>>> {
  const { mode, addresses } = await db.selectFrom('server').selectAll().executeTakeFirstOrThrow();
  if (mode !== 'development' || addresses === null) return {};
  return JSON.parse(addresses) as Record<string, string>;
}

function modeOf({ isProduction }: Config): 'production' | 'development' {
  return isProduction ? 'production' : 'development';
}
