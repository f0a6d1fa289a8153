import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, openDatabase } from '@behalf/database';
import { type Logger, SettingsError } from '@behalf/service';
import type { Adapter } from 'oidc-provider';
import type { Config } from '../config.ts';
import {
  createKeyEncryption,
  loadDevelopmentKeyEncryptionKey,
  parseKeyEncryptionKeys,
} from '../keys/key-encryption.ts';
import { createKeyOperations, openKeyRing } from '../keys/key-ring.ts';
import { createPeople } from '../federation/people.ts';
import { clientIdsFor, type Registry } from '../registry/load-registry.ts';
import { createClientStore } from './clients.ts';
import { createTokenLedger } from './ledger.ts';
import { createLogoutOutbox } from './logout-outbox.ts';
import { migrations } from './migrations.ts';
import { OidcAdapter, unconsumeRecord } from './oidc-adapter.ts';
import { createLedgerQueries } from './queries.ts';
import { createReplayCache } from './replay.ts';
import { createRevocation, saveBrowser } from './revocation.ts';
import type { StsSchema } from './schema.ts';
import { assertOwnDatabase, claimDatabase } from './server.ts';
import { sweep } from './sweep.ts';
import { createUserStore } from './users.ts';

/**
 * Opens the database. A server brings its schema up to date; a command changes nothing, and throws SettingsError when
 * there is no database or its schema is another version's.
 */
export async function openStsDatabase(
  config: Config,
  { logger, access }: { readonly logger: Logger; readonly access: 'server' | 'command' },
): Promise<Database<StsSchema>> {
  const isCommand = access === 'command';
  if (isCommand && config.databaseUrl === undefined && !existsSync(config.databaseFile)) {
    throw new SettingsError([
      `there is no database ${config.databaseFile}: set DATABASE_URL or DATA_DIR, start the STS, or run "sts seed"`,
    ]);
  }
  return openDatabase<StsSchema>({
    url: config.databaseUrl,
    file: config.databaseFile,
    schema: 'sts',
    migrations,
    migrate: !isCommand,
    onConnectionError: (error) => logger.warn({ err: error }, 'a database connection broke'),
  });
}

export type State = Awaited<ReturnType<typeof createState>>;

/** All that outlives a process, over a database that belongs to this configuration's server. Closes it on failure. */
export async function createState(options: {
  readonly database: Database<StsSchema>;
  readonly config: Config;
  readonly registry: Registry;
  readonly logger: Logger;
  /** A server takes a database that belongs to no server yet; a command does not. */
  readonly access: 'server' | 'command';
  /** Epoch seconds. */
  readonly now: () => number;
}) {
  const { database, config, registry, logger, now } = options;
  try {
    if (options.access === 'server') await claimDatabase(database, config);
    else await assertOwnDatabase(database.db, config);
  } catch (error) {
    await database.close();
    throw error;
  }
  const encryption = async () =>
    createKeyEncryption(parseKeyEncryptionKeys(await keyEncryptionKeyOf(config)));
  return {
    ...createStorage({
      database,
      now,
      clientsOfAudience: (audience) => clientIdsFor(registry.apis, audience),
      onRefusalLost: (error) => logger.warn({ err: error }, 'a refusal could not be recorded'),
    }),
    database,
    keys: createKeyOperations(database, now, encryption),
    /** For a server: makes the first keys, and follows their changes. */
    openKeyRing: async () => openKeyRing({ database, encryption: await encryption(), now }),
  };
}

async function keyEncryptionKeyOf(config: Config): Promise<string> {
  if (config.keyEncryptionKey !== undefined) return config.keyEncryptionKey;
  if (config.isProduction) throw new SettingsError(['KEY_ENCRYPTION_KEY is missing']);
  return loadDevelopmentKeyEncryptionKey(join(config.dataDirectory, 'dev', 'key-encryption-key'));
}

export type Storage = ReturnType<typeof createStorage>;

/** Everything in the database except the keys. */
export function createStorage(options: {
  readonly database: Database<StsSchema>;
  /** Epoch seconds. */
  readonly now: () => number;
  /** The clients that act for an API (resource identifier). */
  readonly clientsOfAudience: (audience: string) => readonly string[];
  readonly onRefusalLost?: (error: unknown) => void;
}) {
  const { database, now, clientsOfAudience, onRefusalLost } = options;
  const { db } = database;
  const revocation = createRevocation({ db, now, clientsOfAudience });
  const clients = createClientStore(db);
  return {
    /** For oidc-provider's `adapter` setting. */
    adapter: (model: string): Adapter => new OidcAdapter(db, { model, now, endGrant: revocation.endGrant }),
    /** Makes a record that was consumed good for another use. */
    unconsume: (model: string, id: string) => unconsumeRecord(db, model, id),
    recordBrowser: (session: string, browser: string) => saveBrowser(db, session, browser),
    users: createUserStore(db, revocation.endAllSessionsWithin),
    people: createPeople(db),
    clients,
    ledger: createTokenLedger({ db, ...(onRefusalLost === undefined ? {} : { onRefusalLost }) }),
    revocation,
    queries: createLedgerQueries(db, now),
    outbox: createLogoutOutbox({ db, now, clientsOfAudience }),
    /** For `provider.ReplayDetection.unique`: DPoP proofs and client assertions. */
    consumeProof: createReplayCache(db, 'proof'),
    /** Single use of a trusted issuer's token. */
    consumePartnerToken: createReplayCache(db, 'external token'),
    /** Removes what has expired, and resolves with how many rows went; call it every few minutes. */
    sweep: () => sweep(db, now()),
  };
}
