/**
 * The clients of the development registry: OAuth metadata in RFC 7591's words, the API scopes each may ask for, and its
 * development secret. What an operator registers later looks the same and lives in the database.
 */
import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import type { JWK } from 'jose';
import type { RegisteredClient } from '../storage/types.ts';
import { DELEGATION_GRANT, TRANSLATION_GRANT } from './grant-types.ts';
import type { RegistrySettings } from './settings.ts';

export interface DevelopmentClient extends Omit<RegisteredClient, 'disabled'> {
  /** Absent for clients that authenticate in another way, or not at all. */
  readonly secret?: string;
}

/** What a process in production refuses to start with. */
export const DEVELOPMENT_SECRET = 'secret';

/** The STS itself acts as this client when it asks the subscription service; nobody else can: it is never registered. */
export const USER_SUBSCRIPTION_CLIENT = {
  id: 'userSubscriptionClient',
  scopes: ['subscriptions.read'],
} as const;

const SECRET = { token_endpoint_auth_method: 'client_secret_basic', response_types: [], redirect_uris: [] };

export interface DevelopmentClientKeys {
  /** Public key of jwt.client. */
  readonly jwtClient: JWK;
}

export function developmentClients(
  settings: RegistrySettings,
  keys: DevelopmentClientKeys,
): readonly DevelopmentClient[] {
  return [
    {
      id: 'web.client',
      firstParty: true,
      scopes: ['api1', 'account'],
      metadata: {
        client_id: 'web.client',
        client_name: 'Behalf',
        client_uri: settings.webUrl,
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: [`${settings.webUrl}/callback`],
        post_logout_redirect_uris: [`${settings.webUrl}/`],
        scope: 'openid profile email offline_access',
      },
    },
    {
      id: 'api1.client',
      firstParty: true,
      scopes: ['api2', 'api2.premium', 'actor'],
      secret: DEVELOPMENT_SECRET,
      metadata: {
        ...SECRET,
        client_id: 'api1.client',
        client_name: 'API1',
        grant_types: [DELEGATION_GRANT, TRANSLATION_GRANT, TOKEN_EXCHANGE_GRANT, 'client_credentials'],
        // Ours: all it gets for itself. What it may do for a user, it may not do without one.
        client_credentials_scope: 'actor',
        backchannel_logout_uri: `${settings.api1Url}/backchannel-logout`,
        backchannel_logout_session_required: true,
      },
    },
    {
      id: 'api2.client',
      firstParty: true,
      scopes: ['subscriptions.read', 'actor'],
      secret: DEVELOPMENT_SECRET,
      metadata: {
        ...SECRET,
        client_id: 'api2.client',
        client_name: 'API2',
        grant_types: [TOKEN_EXCHANGE_GRANT, 'client_credentials'],
        client_credentials_scope: 'actor',
        backchannel_logout_uri: `${settings.api2Url}/backchannel-logout`,
        backchannel_logout_session_required: true,
      },
    },
    {
      id: 'subscriptions.client',
      firstParty: true,
      scopes: [],
      secret: DEVELOPMENT_SECRET,
      metadata: {
        ...SECRET,
        client_id: 'subscriptions.client',
        client_name: 'Subscriptions',
        grant_types: [],
      },
    },
    {
      id: 'machine.client',
      firstParty: true,
      scopes: ['api1', 'api2'],
      secret: DEVELOPMENT_SECRET,
      metadata: {
        ...SECRET,
        client_id: 'machine.client',
        client_name: 'A machine',
        grant_types: ['client_credentials'],
      },
    },
    {
      id: 'jwt.client',
      firstParty: true,
      scopes: ['api1', 'api2'],
      metadata: {
        client_id: 'jwt.client',
        client_name: 'A machine with a key',
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks: { keys: [keys.jwtClient] },
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
    },
  ];
}
