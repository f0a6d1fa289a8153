import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import { isPlainHttpElsewhere } from '@behalf/service';
import type { JWK } from 'jose';
import type { RegistrySettings, ApiRegistry } from './apis.ts';

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

/**
 * The clients of the development registry: OAuth metadata in RFC 7591's words, the API scopes each may ask for, and its
 * development secret. What an operator registers later looks the same and lives in the database.
 */

export interface ClientRegistration extends Omit<RegisteredClient, 'disabled'> {
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

export interface ClientKeys {
  /** Public key of jwt.client. */
  readonly jwtClient: JWK;
}

export function createClients(settings: RegistrySettings, keys: ClientKeys): readonly ClientRegistration[] {
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

/** What this server knows of OpenID Connect's scopes (Core §5.4, §11). */
export const OPENID_SCOPES = ['openid', 'profile', 'email', 'offline_access'] as const;

export interface RegistrationRules {
  readonly apis: Pick<ApiRegistry, 'ownerOf'>;
  /** Codes may travel over plain http to another machine: in development alone. */
  readonly permitsPlainHttp: boolean;
}

type Registration = Pick<RegisteredClient, 'id' | 'scopes' | 'metadata'>;

/** Grants that a client without a secret may use; with any other it would be nobody in particular (RFC 6749 §4.4, RFC 8693 §2). */
const PUBLIC_GRANTS = ['authorization_code', 'refresh_token'];

/**
 * Everything about a client that could never work, or never safely, in words for whoever registers it; empty when all is
 * well. Not checked: whether somebody answers at its addresses, and keys.
 */
export function registrationFaults(client: Registration, rules: RegistrationRules): readonly string[] {
  return [
    ...idFaults(client),
    ...grantFaults(client),
    ...scopeFaults(client, rules),
    ...uriFaults(client, rules),
  ];
}

/** RFC 6749 appendix A.1, without spaces, which no command line and no log line would show. */
function idFaults({ id }: Registration): readonly string[] {
  return /^[\x21-\x7e]{1,100}$/.test(id)
    ? []
    : ['a client id is 1 to 100 printable characters without spaces'];
}

function grantFaults({ metadata }: Registration): readonly string[] {
  const grants = listOf(metadata['grant_types']);
  const isPublic = metadata['token_endpoint_auth_method'] === 'none';
  const faults = grants
    .filter((grant) => !GRANT_TYPES.includes(grant))
    .map((grant) => `there is no grant ${grant}: ${GRANT_TYPES.join(', ')}`);
  const secret = grants.find((grant) => GRANT_TYPES.includes(grant) && !PUBLIC_GRANTS.includes(grant));
  if (isPublic && secret !== undefined) faults.push(`${secret} is not for a public client`);
  if (grants.includes('refresh_token') && !grants.includes('authorization_code')) {
    faults.push('refresh_token comes with authorization_code alone');
  }
  if (grants.includes('authorization_code') && listOf(metadata['redirect_uris']).length === 0) {
    faults.push('authorization_code needs a redirect URI');
  }
  return faults;
}

function scopeFaults({ scopes, metadata }: Registration, { apis }: RegistrationRules): readonly string[] {
  const known: readonly string[] = OPENID_SCOPES;
  const openid = typeof metadata['scope'] === 'string' ? metadata['scope'].split(' ') : [];
  return [
    ...scopes
      .filter((scope) => apis.ownerOf(scope) === undefined)
      .map((scope) => `no API owns the scope ${scope}`),
    ...openid
      .filter((scope) => !known.includes(scope))
      .map((scope) => `${scope} is no scope of OpenID Connect: ${known.join(', ')}`),
  ];
}

function uriFaults({ metadata }: Registration, { permitsPlainHttp }: RegistrationRules): readonly string[] {
  const redirects = [...listOf(metadata['redirect_uris']), ...listOf(metadata['post_logout_redirect_uris'])];
  const logout = metadata['backchannel_logout_uri'];
  return [
    ...redirects.map(
      (uri) =>
        webUriFault(uri) ??
        // RFC 9700 §2.6, RFC 8252 §7.3.
        (isPlainHttpElsewhere(uri) && !permitsPlainHttp
          ? `${uri} is plain http: codes would travel in the open`
          : undefined),
    ),
    // Back-Channel Logout 1.0 §2.2 leaves plain http to networks that are the operator's own.
    typeof logout === 'string' ? webUriFault(logout) : undefined,
  ].filter((fault) => fault !== undefined);
}

/** An absolute address that a browser can be sent to, without a fragment (RFC 6749 §3.1.2). */
function webUriFault(uri: string): string | undefined {
  const url = URL.parse(uri);
  if (url === null) return `${uri} is no absolute URI`;
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `${uri} is neither https nor http`;
  return uri.includes('#') ? `${uri} has a fragment` : undefined;
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** A client as it is registered: OAuth metadata (RFC 7591 names) plus what is ours. */
export interface RegisteredClient {
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** API scopes this client may ask for. */
  readonly scopes: readonly string[];
  /** First-party clients skip the consent page. */
  readonly firstParty: boolean;
  readonly disabled: boolean;
}
