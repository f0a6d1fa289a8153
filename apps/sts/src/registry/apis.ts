import type { ApiDirectory } from '@behalf/extension-grants';

/** Where the parts of the registry are: identifiers (what a service is) and addresses (where it is reached). */
export interface RegistrySettings {
  /** `ISSUER`: the STS as an audience, too. */
  readonly issuer: string;
  /** `API1_RESOURCE`, `API2_RESOURCE`, `SUBSCRIPTIONS_RESOURCE`, `AGENT_RESOURCE`: resource identifiers (RFC 8707). */
  readonly api1Resource: string;
  readonly api2Resource: string;
  readonly subscriptionsResource: string;
  readonly agentResource: string;
  /** `API1_URL`, `API2_URL`, `WEB_URL`: addresses, without a trailing slash. */
  readonly api1Url: string;
  readonly api2Url: string;
  readonly webUrl: string;
}

export const DEVELOPMENT_ADDRESSES: RegistrySettings = {
  issuer: 'http://localhost:4000',
  api1Resource: 'http://localhost:4001',
  api2Resource: 'http://localhost:4002',
  subscriptionsResource: 'http://localhost:4003',
  agentResource: 'http://localhost:4004',
  api1Url: 'http://localhost:4001',
  api2Url: 'http://localhost:4002',
  webUrl: 'http://localhost:5173',
};

/** `exchange`: may present a token for this API as a subject token. `introspect`: may ask about one (RFC 7662). */
export type ApiRight = 'exchange' | 'introspect';

export interface Api {
  /** Short name: what the `audience` parameter and the delegation policy call it. */
  readonly name: string;
  /** Resource identifier (RFC 8707), the `aud` of its tokens. */
  readonly identifier: string;
  /** Other addresses that clients name it by in `resource`; its tokens have the identifier alone. */
  readonly aliases?: readonly string[];
  /** A scope belongs to exactly one API. */
  readonly scopes: readonly string[];
  /** Whose tokens may have a scope; one that is not named is for users and clients. */
  readonly subjects?: Readonly<Record<string, 'user' | 'client'>>;
  /** The clients that this API itself is, and their rights; never "any client of the API". */
  readonly clients: readonly { readonly id: string; readonly rights: readonly ApiRight[] }[];
}

/** The APIs. Every audience of an access token is one of these. */
export function createApis(settings: RegistrySettings): readonly Api[] {
  return [
    {
      name: 'sts',
      identifier: settings.issuer,
      scopes: ['account', 'actor'],
      subjects: { account: 'user', actor: 'client' },
      clients: [],
    },
    {
      name: 'api1',
      identifier: settings.api1Resource,
      scopes: ['api1'],
      clients: [{ id: 'api1.client', rights: ['exchange', 'introspect'] }],
    },
    {
      name: 'api2',
      identifier: settings.api2Resource,
      scopes: ['api2', 'api2.premium', 'api2.statistics'],
      subjects: { 'api2.premium': 'user', 'api2.statistics': 'client' },
      clients: [{ id: 'api2.client', rights: ['exchange', 'introspect'] }],
    },
    {
      name: 'subscriptions',
      identifier: settings.subscriptionsResource,
      scopes: ['subscriptions.read'],
      clients: [{ id: 'subscriptions.client', rights: ['introspect'] }],
    },
    {
      name: 'agent',
      identifier: settings.agentResource,
      // MCP clients name the endpoint that they connect to (MCP authorization, RFC 8707).
      aliases: [`${settings.agentResource}/mcp`],
      scopes: ['agent'],
      subjects: { agent: 'user' },
      clients: [{ id: 'agent.client', rights: ['exchange', 'introspect'] }],
    },
  ];
}

export interface ApiRegistry {
  readonly all: readonly Api[];
  /** By short name, resource identifier or alias, compared as strings (RFC 3986 §6.2.1). */
  find(nameOrIdentifier: string): Api | undefined;
  /** The one API that owns a scope. */
  ownerOf(scope: string): Api | undefined;
  /** Whose tokens may have a scope: a user's, a client's own, or either's. */
  subjectOf(scope: string): 'user' | 'client' | 'either';
  /** Whether a client is listed for the API with this resource identifier, with this right. */
  hasRight(clientId: string, identifier: string, right: ApiRight): boolean;
}

/** Indexes the APIs. Throws when a name, an identifier or a scope stands there twice. */
export function createApiRegistry(apis: readonly Api[]): ApiRegistry {
  const byName = new Map<string, Api>();
  const byScope = new Map<string, Api>();
  for (const resource of apis) {
    const { name, identifier, aliases = [] } = resource;
    for (const key of new Set([name, identifier, ...aliases])) setOnce(byName, key, resource);
    for (const scope of resource.scopes) setOnce(byScope, scope, resource);
  }
  return {
    all: apis,
    find: (nameOrIdentifier) => byName.get(nameOrIdentifier),
    ownerOf: (scope) => byScope.get(scope),
    subjectOf: (scope) => byScope.get(scope)?.subjects?.[scope] ?? 'either',
    hasRight(clientId, identifier, right) {
      const resource = byName.get(identifier);
      if (resource?.identifier !== identifier) return false;
      return resource.clients.some((client) => client.id === clientId && client.rights.includes(right));
    },
  };
}

/** What the extension grants ask about targets. `scopesOf` gives the API scopes that a client is registered for. */
export function createApiDirectory(
  apis: ApiRegistry,
  scopesOf: (clientId: string) => readonly string[],
): ApiDirectory {
  return {
    resolve: (nameOrIdentifier) => apis.find(nameOrIdentifier)?.identifier,
    ownerOf: (scope) => apis.ownerOf(scope)?.identifier,
    scopesOf,
  };
}

function setOnce(index: Map<string, Api>, key: string, resource: Api): void {
  if (index.has(key)) throw new Error(`the registry has two APIs for ${JSON.stringify(key)}`);
  index.set(key, resource);
}
