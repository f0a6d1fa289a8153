import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import type { JWK } from 'jose';
import type { RegistrySettings } from './apis.ts';

/** `grant_type` values of the extension grants that are ours alone. */
export const DELEGATION_GRANT = 'delegation';

export const TRANSLATION_GRANT = 'translation';

/** Every grant that a client can be registered for. A test holds this against the discovery document. */
export const GRANT_TYPES: readonly string[] = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  DELEGATION_GRANT,
  TRANSLATION_GRANT,
  TOKEN_EXCHANGE_GRANT,
];

/** What is registered about a client: OAuth metadata (RFC 7591 names) and what is ours. */
export interface ClientRegistration {
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** API scopes this client may ask for. */
  readonly scopes: readonly string[];
  /** First-party clients skip the consent page. */
  readonly firstParty: boolean;
}

export interface RegisteredClient extends ClientRegistration {
  readonly disabled: boolean;
}

/** A client of this file. What an operator registers looks the same and is in the database alone. */
export interface ConfiguredClient extends ClientRegistration {
  /** Absent for clients that authenticate in another way, or not at all. */
  readonly secret?: string;
}

/** What a process in production refuses to start with. */
export const DEVELOPMENT_SECRET = 'secret';

/** Only the STS itself acts as this client, when it asks the subscription service: it is never registered. */
export const USER_SUBSCRIPTION_CLIENT = {
  id: 'userSubscriptionClient',
  scopes: ['subscriptions.read'],
} as const;

/** Clients that are in no database: the server's own, and those whose id is the address of their metadata. */
export function isUnregisteredClient(id: string): boolean {
  return id === USER_SUBSCRIPTION_CLIENT.id || id.startsWith('https://');
}

const SECRET = { token_endpoint_auth_method: 'client_secret_basic', response_types: [], redirect_uris: [] };

/** `jwtClientKey` is the public key of jwt.client. */
export function createClients(settings: RegistrySettings, jwtClientKey: JWK): readonly ConfiguredClient[] {
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
      scopes: ['api2', 'api2.premium', 'api2.statistics', 'actor'],
      secret: DEVELOPMENT_SECRET,
      metadata: {
        ...SECRET,
        client_id: 'api1.client',
        client_name: 'API1',
        grant_types: [DELEGATION_GRANT, TRANSLATION_GRANT, TOKEN_EXCHANGE_GRANT, 'client_credentials'],
        // Ours: all it gets for itself. It may do nothing without a user that it may do for one.
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
      id: 'agent.client',
      firstParty: true,
      scopes: ['api2', 'actor'],
      secret: DEVELOPMENT_SECRET,
      metadata: {
        ...SECRET,
        client_id: 'agent.client',
        client_name: 'Agent',
        grant_types: [TOKEN_EXCHANGE_GRANT, 'client_credentials'],
        client_credentials_scope: 'actor',
      },
    },
    {
      id: 'mcp.client',
      firstParty: false,
      scopes: ['agent'],
      metadata: {
        client_id: 'mcp.client',
        client_name: 'MCP client',
        // Native: the port of a loopback redirect is free (RFC 8252 §7.3), and each sign-in asks for consent (§8.6).
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        // The second is the client's page that shows a conversation.
        redirect_uris: ['http://127.0.0.1/callback', `${settings.webUrl}/agent`],
        scope: 'openid offline_access',
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
        jwks: { keys: [jwtClientKey] },
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
    },
  ];
}

/** What this server knows of OpenID Connect's scopes (Core §5.4, §11). */
export const OPENID_SCOPES = ['openid', 'profile', 'email', 'offline_access'] as const;
