import { join } from 'node:path';
import { openDatabase, type Database } from '@behalf/database';
import { SettingsError, type Logger } from '@behalf/service';
import type { Config } from './config.ts';
import { loadDevelopmentKeyEncryptionKey } from './keys/development-key.ts';
import { createKeyEncryption, parseKeyEncryptionKeys } from './keys/key-encryption.ts';
import { openKeyRing, type KeyRing } from './keys/key-ring.ts';
import { clientIdsFor, type Registry } from './open-registry.ts';
import { migrations } from './storage/migrations/index.ts';
import type { StsSchema } from './storage/schema.ts';
import { createStorage, type Storage } from './storage/storage.ts';

/** Everything that outlives a process: the database and what is kept there. */
export interface State extends Storage {
  readonly database: Database<StsSchema>;
  readonly keys: KeyRing;
}

export interface OpenStateOptions {
  readonly config: Config;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Epoch seconds. */
  readonly now: () => number;
}

/** Opens the database, brings it up to date, and makes the first keys when there are none. */
export async function openState({ config, registry, logger, now }: OpenStateOptions): Promise<State> {
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
      clientsOfAudience: (audience) => clientIdsFor(registry.resources, audience),
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
