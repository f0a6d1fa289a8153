import { randomBytes } from 'node:crypto';
import { type Kysely, type Selectable, sql } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { lifetimes } from '../lifetimes.ts';
import type { ClientRegistration, RegisteredClient } from '../registry/clients.ts';
import { type ClientTable, digestOf, isStorable, sameDigest, type StsSchema } from './schema.ts';

const MAXIMUM_CACHED_CLIENTS = 1000;

export type ClientStore = ReturnType<typeof createClientStore>;

/** The registered clients. Every request looks one up, so they are cached shortly. */
export function createClientStore(db: Kysely<StsSchema>) {
  const cache = new LRUCache<string, NonNullable<Awaited<ReturnType<typeof load>>>>({
    max: MAXIMUM_CACHED_CLIENTS,
    ttl: lifetimes.clientCacheMs,
    fetchMethod: (id) => load(db, id),
  });

  /** Compares in constant time against every unexpired secret. */
  const checkSecret = async (id: string, secret: string, now: number): Promise<boolean> => {
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
  };

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

  return {
    find: async (id: string): Promise<RegisteredClient | undefined> => (await cache.fetch(id))?.client,

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

    checkSecret,
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

    /** Ends every secret but this one from `now` on. False, and nothing ends, when this one is no good secret of the client. */
    async revokeOtherSecrets(id: string, secret: string, now: number): Promise<boolean> {
      cache.delete(id);
      if (!(await checkSecret(id, secret, now))) return false;
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
}

async function load(db: Kysely<StsSchema>, id: string) {
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
 * `checkSecret`; this value stands in, is never told to anyone and differs from start to start.
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
