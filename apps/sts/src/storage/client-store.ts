import type { Kysely, Selectable } from 'kysely';
import { LRUCache } from 'lru-cache';
import { digestOf, sameDigest } from './digest.ts';
import { isStorable } from './storable.ts';
import type { ClientTable, StsSchema } from './schema.ts';
import type { ClientStore, RegisteredClient } from './types.ts';

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

    async keepOnlySecret(id, secret, now) {
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
