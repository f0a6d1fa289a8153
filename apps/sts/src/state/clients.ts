import { randomBytes } from 'node:crypto';
import type { Kysely, Selectable } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { RegisteredClient } from '../registry/clients.ts';
import { type ClientTable, digestOf, isStorable, sameDigest, type StsSchema } from './schema.ts';

/** Every request looks its client up. Kept this long, what another replica changes still shows within one second. */
const CACHE_MS = 500;

const MAXIMUM_CACHED_CLIENTS = 1000;

interface StoredSecret {
  readonly digest: string;
  readonly expires_at: number | null;
}

interface StoredClient {
  readonly client: RegisteredClient;
  readonly secrets: readonly StoredSecret[];
}

export function createClientStore(db: Kysely<StsSchema>): ClientStore {
  const cache = new LRUCache<string, StoredClient>({
    max: MAXIMUM_CACHED_CLIENTS,
    ttl: CACHE_MS,
    fetchMethod: (id) => load(db, id),
  });

  const store: ClientStore = {
    find: async (id) => (await cache.fetch(id))?.client,

    async list() {
      const rows = await db.selectFrom('clients').selectAll().orderBy('id').execute();
      return rows.map(clientOf);
    },

    async upsert(client) {
      const changed = {
        metadata: JSON.stringify(client.metadata),
        scopes: JSON.stringify(client.scopes),
        first_party: client.firstParty ? 1 : 0,
      };
      await db
        .insertInto('clients')
        .values({ id: client.id, ...changed })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(changed))
        .execute();
      cache.delete(client.id);
    },

    async addSecret(id, secret, options = {}) {
      const expires_at = options.expiresAt ?? null;
      await db
        .insertInto('client_secrets')
        .values({ client_id: id, digest: digestOf(secret), expires_at })
        .onConflict((conflict) => conflict.columns(['client_id', 'digest']).doUpdateSet({ expires_at }))
        .execute();
      cache.delete(id);
    },

    async revokeOtherSecrets(id, secret, now) {
      cache.delete(id);
      if (!(await store.checkSecret(id, secret, now))) return false;
      await db
        .updateTable('client_secrets')
        .set({ expires_at: now })
        .where('client_id', '=', id)
        .where('digest', '!=', digestOf(secret))
        .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
        .execute();
      cache.delete(id);
      return true;
    },

    async checkSecret(id, secret, now) {
      const stored = await cache.fetch(id);
      if (stored === undefined || stored.client.disabled) return false;
      const digest = digestOf(secret);
      let fits = false;
      for (const candidate of stored.secrets) {
        const current = candidate.expires_at === null || candidate.expires_at > now;
        // No early end: the time must not tell which secret it was.
        fits = (sameDigest(candidate.digest, digest) && current) || fits;
      }
      return fits;
    },

    async setDisabled(id, disabled) {
      const updated = await db
        .updateTable('clients')
        .set({ disabled: disabled ? 1 : 0 })
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst();
      cache.delete(id);
      return updated !== undefined;
    },
  };
  return store;
}

async function load(db: Kysely<StsSchema>, id: string): Promise<StoredClient | undefined> {
  if (!isStorable(id)) return undefined;
  const row = await db.selectFrom('clients').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) return undefined;
  const secrets = await db
    .selectFrom('client_secrets')
    .select(['digest', 'expires_at'])
    .where('client_id', '=', id)
    .execute();
  return { client: clientOf(row), secrets };
}

function clientOf(row: Selectable<ClientTable>): RegisteredClient {
  return {
    id: row.id,
    metadata: JSON.parse(row.metadata) as Record<string, unknown>,
    scopes: JSON.parse(row.scopes) as string[],
    firstParty: row.first_party !== 0,
    disabled: row.disabled !== 0,
  };
}

/**
 * oidc-provider wants a `client_secret` in the metadata of a client that has secrets. Ours are digests, compared by
 * `ClientStore.checkSecret`; this value stands in, is never told to anyone and differs from start to start.
 */
const STAND_IN_SECRET = randomBytes(32).toString('base64url');

const SECRET_METHODS = new Set<unknown>(['client_secret_basic', 'client_secret_post', undefined]);

/** Clients as oidc-provider reads them. A disabled client is not found, and nothing is written this way. */
export function createClientAdapter(clients: ClientStore): Adapter {
  return {
    async find(id): Promise<AdapterPayload | undefined> {
      const client = await clients.find(id);
      if (client === undefined || client.disabled) return undefined;
      const hasSecret = SECRET_METHODS.has(client.metadata['token_endpoint_auth_method']);
      return {
        ...client.metadata,
        client_id: client.id,
        ...(hasSecret ? { client_secret: STAND_IN_SECRET } : {}),
      };
    },
    upsert: readOnly,
    destroy: readOnly,
    consume: readOnly,
    revokeByGrantId: readOnly,
    findByUid: () => Promise.resolve(undefined),
    findByUserCode: () => Promise.resolve(undefined),
  };
}

function readOnly(): Promise<never> {
  return Promise.reject(new Error('clients are changed through the client store'));
}

export interface ClientStore {
  find(id: string): Promise<RegisteredClient | undefined>;
  list(): Promise<readonly RegisteredClient[]>;
  upsert(client: Omit<RegisteredClient, 'disabled'>): Promise<void>;
  /** SHA-256 at rest, several per client, each with an expiry or null. */
  addSecret(id: string, secret: string, options?: { expiresAt?: number | null }): Promise<void>;
  /** Ends every secret but this one from `now` on. False, and nothing ends, when this one is no good secret of the client. */
  revokeOtherSecrets(id: string, secret: string, now: number): Promise<boolean>;
  /** Compares in constant time against every unexpired secret. */
  checkSecret(id: string, secret: string, now: number): Promise<boolean>;
  setDisabled(id: string, disabled: boolean): Promise<boolean>;
}
