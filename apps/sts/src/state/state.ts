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
import { type KeyRing, openKeyRing } from '../keys/key-ring.ts';
import { clientIdsFor, type Registry } from '../registry/load-registry.ts';
import { type ClientStore, createClientStore } from './clients.ts';
import { createTokenLedger, type Retention, type TokenLedger } from './ledger.ts';
import { createLogoutOutbox, type LogoutOutbox } from './logout-outbox.ts';
import { migrations } from './migrations.ts';
import { OidcAdapter, unconsumeRecord } from './oidc-adapter.ts';
import { createLedgerQueries, type OperatorQueries } from './queries.ts';
import { type Consume, createReplayCache } from './replay.ts';
import { createRevocation, type RevocationParts, saveBrowser } from './revocation.ts';
import type { StsSchema } from './schema.ts';
import { sweep } from './sweep.ts';
import { createUserStore, type UserStore } from './users.ts';

/** Everything that outlives a process: the database and what is kept there. */
export interface State extends Storage {
  readonly database: Database<StsSchema>;
  readonly keys: KeyRing;
}

export interface CreateStateOptions {
  readonly config: Config;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Epoch seconds. */
  readonly now: () => number;
}

/** Opens the database, brings it up to date, and makes the first keys when there are none. */
export async function createState({ config, registry, logger, now }: CreateStateOptions): Promise<State> {
  const database = await openDatabase<StsSchema>({
    url: config.databaseUrl,
    file: config.databaseFile,
    schema: 'sts',
    migrations,
    onConnectionError: (error) => logger.warn({ err: error }, 'a database connection broke'),
  });
  try {
    const storage = createStorage({
      database,
      now,
      clientsOfAudience: (audience) => clientIdsFor(registry.apis, audience),
      onRefusalLost: (error) => logger.warn({ err: error }, 'a refusal could not be recorded'),
    });
    const encryption = createKeyEncryption(parseKeyEncryptionKeys(keyEncryptionKeyOf(config)));
    return { ...storage, database, keys: await openKeyRing({ database, encryption, now }) };
  } catch (error) {
    await database.close();
    throw error;
  }
}

function keyEncryptionKeyOf(config: Config): string {
  if (config.keyEncryptionKey !== undefined) return config.keyEncryptionKey;
  if (config.isProduction) throw new SettingsError(['KEY_ENCRYPTION_KEY is missing']);
  return loadDevelopmentKeyEncryptionKey(join(config.dataDirectory, 'dev', 'key-encryption-key'));
}

export interface StorageOptions {
  readonly database: Database<StsSchema>;
  /** Epoch seconds. */
  readonly now: () => number;
  /** The clients that act for an API (resource identifier). */
  readonly clientsOfAudience: (audience: string) => readonly string[];
  readonly retention?: Retention;
  readonly onRefusalLost?: (error: unknown) => void;
}

/** Everything of the STS that outlives a process, over one database. */
export interface Storage {
  /** For oidc-provider's `adapter` setting. */
  readonly adapter: (model: string) => Adapter;
  /** Makes a record that was consumed good for another use. */
  readonly unconsume: (model: string, id: string) => Promise<void>;
  /** See `saveBrowser`. */
  readonly recordBrowser: (session: string, browser: string) => Promise<void>;
  readonly users: UserStore;
  readonly clients: ClientStore;
  readonly ledger: TokenLedger;
  readonly revocation: RevocationParts;
  readonly queries: OperatorQueries;
  readonly outbox: LogoutOutbox;
  /** For `provider.ReplayDetection.unique`: DPoP proofs and client assertions. */
  readonly consumeProof: Consume;
  /** Single use of a trusted issuer's token. */
  readonly consumePartnerToken: Consume;
  /** Removes what has expired; call it every few minutes. */
  sweep(): Promise<number>;
}

export function createStorage(options: StorageOptions): Storage {
  const { database, now } = options;
  const { db } = database;
  const { clientsOfAudience } = options;
  const revocation = createRevocation({ db, now, clientsOfAudience });
  const clients = createClientStore(db);
  return {
    adapter: (model) => new OidcAdapter({ db, model, now, endGrant: revocation.endGrant }),
    unconsume: (model, id) => unconsumeRecord(db, model, id),
    recordBrowser: (session, browser) => saveBrowser(db, session, browser),
    users: createUserStore({ db, endSessionsOf: (...of) => revocation.endAllSessionsWithin(...of) }),
    clients,
    ledger: createTokenLedger({
      db,
      ...(options.retention === undefined ? {} : { retention: options.retention }),
      ...(options.onRefusalLost === undefined ? {} : { onRefusalLost: options.onRefusalLost }),
    }),
    revocation,
    queries: createLedgerQueries(db, now),
    outbox: createLogoutOutbox({ db, now, clientsOfAudience }),
    consumeProof: createReplayCache(db, 'proof'),
    consumePartnerToken: createReplayCache(db, 'external token'),
    sweep: () => sweep(db, now()),
  };
}
