import { randomBytes } from 'node:crypto';
import { type Client, errors, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { lifetimes } from '../lifetimes.ts';
import type { RegisteredClient } from '../registry/clients.ts';
import { type ClientStore, isSecretOf, type StoredClient } from '../state/clients.ts';
import { type ClientDocuments, DOCUMENT_CLIENT_SCOPES } from './client-documents.ts';

/** Client metadata of ours that rides along with oidc-provider's clients. */
export const OWN_CLIENT_METADATA = ['first_party', 'client_credentials_scope'];

/**
 * oidc-provider wants a `client_secret` in the metadata of a client that has secrets. Ours are digests, compared by
 * `isSecretOf`; this value stands in, is never told and differs from start to start.
 */
const STAND_IN_SECRET = randomBytes(32).toString('base64url');

const SECRET_METHODS = new Set<unknown>(['client_secret_basic', 'client_secret_post', undefined]);

/**
 * oidc-provider's clients, found in our store. `internal`: clients that only this server acts as, and that are in no store.
 * `documents`: undefined when no client may have its metadata at an address.
 */
export function createProviderClients(
  store: ClientStore,
  internal: readonly { readonly id: string; readonly scopes: readonly string[] }[],
  documents?: ClientDocuments,
) {
  const scopes = new Map(internal.map((client) => [client.id, client.scopes]));

  return {
    /** API scopes of a client, as last found; none for a client that was never looked up. Every request looks its client up first. */
    scopesOf: (clientId: string): readonly string[] =>
      isDocumentId(clientId) ? DOCUMENT_CLIENT_SCOPES : (scopes.get(clientId) ?? []),

    /**
     * Replaces how a provider finds clients and compares secrets. A client is built once and used until it changes; a
     * disabled client is not found. Secrets are kept as hashes.
     */
    install(provider: Provider, now: () => number): void {
      const built = new WeakMap<StoredClient, Client>();
      const stored = new WeakMap<Client, StoredClient>();

      const findByDocument = provider.Client.find.bind(provider.Client);

      provider.Client.find = async (id) => {
        if (isDocumentId(id)) return findDocumentClient(() => findByDocument(id), documents);
        const found = typeof id === 'string' && id !== '' ? await store.find(id) : undefined;
        if (found === undefined || found.disabled) return undefined;
        scopes.set(found.id, found.scopes);
        const known = built.get(found);
        if (known !== undefined) return known;
        const client = new (provider.Client as unknown as new (metadata: object) => Client)(
          metadataOf(found),
        );
        built.set(found, client);
        stored.set(client, found);
        return client;
      };

      provider.Client.prototype.compareClientSecret = function compareClientSecret(actual: string) {
        const client = stored.get(this);
        return client !== undefined && isSecretOf(client, actual, now());
      };
    },
  };
}

/**
 * Whether the pages of an origin may read answers (Fetch standard): those of a public client, whose redirect URIs name its
 * origins. A native client has no pages (RFC 8252 §7.3). While the database does not answer, what was read last holds.
 */
export function createWebOrigins(store: Pick<ClientStore, 'list'>) {
  let origins: ReadonlySet<string> = new Set();
  let reading: Promise<void> | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  async function read(): Promise<void> {
    const clients = await store.list();
    origins = new Set(clients.flatMap(webOriginsOf));
    readAt = performance.now();
  }
  return async (origin: string): Promise<boolean> => {
    if (performance.now() - readAt > lifetimes.clientCacheMs) {
      reading ??= read()
        .catch(() => undefined)
        .finally(() => (reading = undefined));
      await reading;
    }
    return origins.has(origin);
  };
}

function webOriginsOf({ metadata, disabled }: RegisteredClient): readonly string[] {
  const { token_endpoint_auth_method: method, application_type: type, redirect_uris: uris } = metadata;
  if (disabled || method !== 'none' || type === 'native' || !Array.isArray(uris)) return [];
  return (uris as readonly string[]).flatMap((uri) => URL.parse(uri)?.origin ?? []);
}

/** Whether a client id is the address of its metadata. */
export function isDocumentId(id: unknown): id is string {
  return typeof id === 'string' && id.startsWith('https://');
}

/** An authorization request tells why there is no such client; anywhere else, at a sign-out too, it is an unknown one. */
async function findDocumentClient(
  find: () => Promise<Client | undefined>,
  documents: ClientDocuments | undefined,
): Promise<Client | undefined> {
  try {
    return await documents?.find(find);
  } catch (error) {
    if (Provider.ctx?.oidc.route === 'authorization') throw error;
    return undefined;
  }
}

function metadataOf({ id, metadata, firstParty }: StoredClient) {
  const hasSecret = SECRET_METHODS.has(metadata['token_endpoint_auth_method']);
  return {
    ...metadata,
    client_id: id,
    first_party: firstParty,
    ...(hasSecret && { client_secret: STAND_IN_SECRET }),
  };
}

/** Scopes that a client may get for itself: its own `client_credentials_scope`, else all that it is registered for. */
export function ownScopesOf(client: Client, registered: readonly string[]): readonly string[] {
  const own: unknown = client['client_credentials_scope'];
  return typeof own === 'string' ? registered.filter((scope) => own.split(' ').includes(scope)) : registered;
}

/** First-party clients skip the consent page. */
export function isFirstParty(client: Client): boolean {
  return client['first_party'] === true;
}

/**
 * The rules for a client assertion (RFC 7523 §3) that oidc-provider leaves open, once it has checked the signature: its
 * audience is the issuer alone, as one string (FAPI 2.0 Security Profile §5.3.2.1), it was not issued in the future, and it
 * does not live long, because its `jti` has to be remembered until it expires. Refused with `invalid_client`.
 */
export function createAssertionCheck(issuer: string, now: () => number) {
  return async (_ctx: KoaContextWithOIDC, { aud, exp, iat }: Record<string, unknown>): Promise<void> => {
    if (aud !== issuer) throw refused('its audience is not the issuer alone');
    if (typeof exp !== 'number' || exp > now() + lifetimes.clientAssertionSeconds)
      throw refused('it lives too long');
    if (iat === undefined) return;
    if (typeof iat !== 'number' || iat > now() + lifetimes.issuedAheadSeconds) {
      throw refused('it was issued in the future');
    }
  };
}

function refused(why: string) {
  return new errors.InvalidClientAuth(`the client assertion is not acceptable: ${why}`);
}
