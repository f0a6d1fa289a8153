import { type AdapterFactory, type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { ClientStore } from '../state/clients.ts';

/** Client metadata of ours that rides along with oidc-provider's clients. */
export const OWN_CLIENT_METADATA = ['first_party', 'client_credentials_scope'];

/** Lets oidc-provider's clients carry what is ours about them. */
export function withRegistration(
  records: AdapterFactory,
  clients: Pick<ClientStore, 'find'>,
): AdapterFactory {
  return (model) => {
    const adapter = records(model);
    if (model !== 'Client') return adapter;
    return {
      ...adapter,
      async find(id) {
        const [metadata, registered] = await Promise.all([adapter.find(id), clients.find(id)]);
        if (!metadata || registered === undefined) return undefined;
        return { ...metadata, first_party: registered.firstParty };
      },
    };
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

/** The API scopes of clients, for whoever cannot wait for the store. */
export interface ClientScopes {
  /** The client store's `find`, which notes what it found. Every request looks its client up this way first. */
  readonly find: ClientStore['find'];
  /** As last found; empty for a client that was never looked up. */
  readonly of: (clientId: string) => readonly string[];
}

/** `internal`: clients that only this process may act as, and that are in no store. */
export function createClientScopes(
  clients: Pick<ClientStore, 'find'>,
  internal: readonly { readonly id: string; readonly scopes: readonly string[] }[],
): ClientScopes {
  const known = new Map(internal.map(({ id, scopes }) => [id, scopes]));
  return {
    async find(id) {
      const client = await clients.find(id);
      if (client !== undefined) known.set(client.id, client.scopes);
      return client;
    },
    of: (clientId) => known.get(clientId) ?? [],
  };
}

/** An assertion is made for one request; until it expires its `jti` has to be remembered. */
const MAXIMUM_LIFETIME_SECONDS = 3600;

const TOLERANCE_SECONDS = 5;

/**
 * What oidc-provider leaves open about a client assertion (RFC 7523 §3) whose signature it has checked: it is for this
 * server alone, since whoever else it names could present it here, was not issued in the future, and does not live long.
 * Refused with `invalid_client`.
 */
export function createAssertionCheck(now: () => number) {
  return async (
    _ctx: KoaContextWithOIDC,
    { aud, exp, iat }: Record<string, unknown>,
    _header: Record<string, unknown>,
    _client: Client,
  ): Promise<void> => {
    if (Array.isArray(aud) && aud.length !== 1) throw refused('it has several audiences');
    if (typeof exp !== 'number' || exp > now() + MAXIMUM_LIFETIME_SECONDS) throw refused('it lives too long');
    if (iat === undefined) return;
    if (typeof iat !== 'number' || iat > now() + TOLERANCE_SECONDS)
      throw refused('it was issued in the future');
  };
}

function refused(why: string) {
  return new errors.InvalidClientAuth(`the client assertion is not acceptable: ${why}`);
}
