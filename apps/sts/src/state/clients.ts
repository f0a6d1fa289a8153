import { type Kysely, sql } from 'kysely';
import { LRUCache } from 'lru-cache';
import { lifetimes } from '../lifetimes.ts';
import type { ClientRegistration, RegisteredClient } from '../registry/clients.ts';
import { digestOf, isStorable, sameDigest, type StsSchema } from './schema.ts';

const MAXIMUM_CACHED_CLIENTS = 1000;

/** A client as it is stored. The same object is found again until something about the client changes. */
export interface StoredClient extends RegisteredClient {
  /** SHA-256 digests, each with an expiry or null. */
  readonly secrets: readonly { readonly digest: string; readonly expires_at: number | null }[];
}

/** The registered clients. Every request looks one up, so they are cached shortly. */
export function createClientStore(db: Kysely<StsSchema>) {
  /** The rows of each client when it was loaded last, to tell whether it has changed since. */
  const loaded = new LRUCache<string, { readonly rows: string; readonly client: StoredClient }>({
    max: MAXIMUM_CACHED_CLIENTS,
  });
  const cache = new LRUCache<string, StoredClient>({
    max: MAXIMUM_CACHED_CLIENTS,
    ttl: lifetimes.clientCacheMs,
    fetchMethod: load,
  });

  async function load(id: string): Promise<StoredClient | undefined> {
    if (!isStorable(id)) return undefined;
    const row = await db.selectFrom('clients').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) return undefined;
    const secrets = await db
      .selectFrom('client_secrets')
      .select(['digest', 'expires_at'])
      .where('client_id', '=', id)
      .orderBy('digest')
      .execute();
    const rows = JSON.stringify([row, secrets]);
    const known = loaded.get(id);
    if (known?.rows === rows) return known.client;
    const client = { ...clientOf(row), secrets };
    loaded.set(id, { rows, client });
    return client;
  }

  /** SHA-256 at rest, several per client, each with an expiry or null. */
  const addSecret = async (
    id: string,
    secret: string,
    expiresAt: number | null = null,
    within: Kysely<StsSchema> = db,
  ): Promise<void> => {
    await within
      .insertInto('client_secrets')
      .values({ client_id: id, digest: digestOf(secret), expires_at: expiresAt })
      .onConflict((conflict) =>
        conflict.columns(['client_id', 'digest']).doUpdateSet({ expires_at: expiresAt }),
      )
      .execute();
    cache.delete(id);
  };

  const store = {
    async find(id: string): Promise<StoredClient | undefined> {
      return cache.get(id) ?? cache.fetch(id);
    },

    async list(): Promise<readonly RegisteredClient[]> {
      const rows = await db.selectFrom('clients').selectAll().orderBy('id').execute();
      return rows.map(clientOf);
    },

    async upsert(client: ClientRegistration): Promise<void> {
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

    addSecret,

    /**
     * Adds the secret that configuration gives, when it is another than the one it gave last; true when it did. A secret
     * that an operator retired since is thus not brought back.
     */
    applyConfiguredSecret: (id: string, secret: string): Promise<boolean> =>
      db.transaction().execute(async (transaction) => {
        const seeded_digest = digestOf(secret);
        const changed = await transaction
          .updateTable('clients')
          .set({ seeded_digest })
          .where('id', '=', id)
          .where(sql<boolean>`seeded_digest is distinct from ${seeded_digest}`)
          .returning('id')
          .executeTakeFirst();
        if (changed !== undefined) await addSecret(id, secret, null, transaction);
        return changed !== undefined;
      }),

    /** Ends every secret but this one from `now` on. False, and nothing ends, when this one is no valid secret of the client. */
    async revokeOtherSecrets(id: string, secret: string, now: number): Promise<boolean> {
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

    /** See `isSecretOf`. False for an unknown client. */
    async checkSecret(id: string, secret: string, now: number): Promise<boolean> {
      const client = await store.find(id);
      return client !== undefined && isSecretOf(client, secret, now);
    },

    /** Disabling ends for good what was issued to the client, or through it, before. False when there is no such client. */
    async setDisabled(id: string, disabled: boolean): Promise<boolean> {
      const updated = await db
        .updateTable('clients')
        .set((column) => ({
          disabled: disabled ? 1 : 0,
          ...(disabled ? { generation: column('generation', '+', 1) } : {}),
        }))
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst();
      cache.delete(id);
      return updated !== undefined;
    },
  };
  return store;
}

export type ClientStore = ReturnType<typeof createClientStore>;

/** Compares in constant time against every secret that has not expired. False for a disabled client. */
export function isSecretOf({ disabled, secrets }: StoredClient, secret: string, now: number): boolean {
  if (disabled) return false;
  const digest = digestOf(secret);
  let fits = false;
  for (const { digest: stored, expires_at } of secrets) {
    const isCurrent = expires_at === null || expires_at > now;
    // No early end: the time must not tell which secret it was.
    fits = (sameDigest(stored, digest) && isCurrent) || fits;
  }
  return fits;
}

function clientOf(row: {
  readonly id: string;
  readonly metadata: string;
  readonly scopes: string;
  readonly first_party: number;
  readonly disabled: number;
}): RegisteredClient {
  return {
    id: row.id,
    metadata: JSON.parse(row.metadata) as Record<string, unknown>,
    scopes: JSON.parse(row.scopes) as string[],
    firstParty: row.first_party !== 0,
    disabled: row.disabled !== 0,
  };
}
