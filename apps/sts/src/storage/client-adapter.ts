import { randomBytes } from 'node:crypto';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { ClientStore } from './types.ts';

/**
 * The engine wants a `client_secret` in the metadata of a client that has secrets. Ours are digests, compared by
 * `ClientStore.checkSecret`; this value stands in, is never told to anyone and differs from start to start.
 */
const STAND_IN_SECRET = randomBytes(32).toString('base64url');

const SECRET_METHODS = new Set<unknown>(['client_secret_basic', 'client_secret_post', undefined]);

/** Clients as the engine reads them. A disabled client is not found, and nothing is written this way. */
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
