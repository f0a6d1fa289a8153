/** An authorization server of the tests' own: a real oidc-provider with a tiny registry, over real HTTP. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { type ClientMetadata, type Configuration, Provider } from 'oidc-provider';
import type {
  ExtensionGrantRequest,
  RefusedRequest,
  GrantResult,
  Issuance,
  SubjectToken,
  ApiDirectory,
} from '../../src/contract.ts';
import { TOKEN_EXCHANGE_GRANT } from '../../src/derive.ts';
import { extraTokenClaims, issuanceOf } from '../../src/issue.ts';
import { registerExtensionGrants, type RegisterExtensionGrantsOptions } from '../../src/register.ts';
import { createTokenRequestGuard } from '../../src/token-request-guard.ts';

export const ORDERS = 'https://orders.example';

export const BILLING = 'https://billing.example';

export const USER = 'usr_1';

/** A plain extension grant, and RFC 8693's: both do what the test tells them to. */
export const GRANTS = ['test', TOKEN_EXCHANGE_GRANT];

const APIS = [
  { name: 'orders', identifier: ORDERS, scopes: ['orders.read', 'orders.write', 'orders.admin'] },
  { name: 'billing', identifier: BILLING, scopes: ['billing'] },
];

const CLIENT_SCOPES: Record<string, readonly string[]> = {
  tier: ['orders.read', 'orders.write', 'billing'],
  bound: ['orders.read'],
  machine: ['billing'],
};

export const TARGETS: ApiDirectory = {
  resolve: (name) => APIS.find((api) => api.name === name || api.identifier === name)?.identifier,
  ownerOf: (scope) => APIS.find((api) => api.scopes.includes(scope))?.identifier,
  scopesOf: (clientId) => CLIENT_SCOPES[clientId] ?? [],
};

const SIGNING = await generateKeyPair('ES256', { extractable: true });

export const MACHINE = { client_secret: 's3cret', redirect_uris: [], response_types: [] };

const CLIENTS: ClientMetadata[] = [
  { ...MACHINE, client_id: 'tier', grant_types: [...GRANTS, 'client_credentials'] },
  { ...MACHINE, client_id: 'bound', grant_types: GRANTS, dpop_bound_access_tokens: true },
  { ...MACHINE, client_id: 'machine', grant_types: ['client_credentials'] },
];

export interface TestServerOptions extends Partial<RegisterExtensionGrantsOptions> {
  readonly configuration?: Partial<Configuration>;
  /** Whether the request guard stands in front of the token endpoint. Default yes. */
  readonly guarded?: boolean;
}

export interface TestServer {
  readonly url: string;
  readonly provider: Provider;
  /** The results of the grants; set by each test. */
  grant: (request: ExtensionGrantRequest) => GrantResult | undefined | Promise<GrantResult | undefined>;
  /** Their requests, the refusals, the calls of oidc-provider's one hook, and the errors. */
  readonly requests: ExtensionGrantRequest[];
  readonly refused: RefusedRequest[];
  readonly issued: { jti: string; clientId: string; issuance: Issuance | undefined; ctx: unknown }[];
  readonly errors: Error[];
  post(
    form: Record<string, string> | string | [string, string][],
    headers?: Record<string, string>,
  ): Promise<Response>;
  /** Signs whatever a test wants with the server's own key. */
  sign(claims: JWTPayload, typ?: string): Promise<string>;
  close(): Promise<void>;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  let listener = (_req: IncomingMessage, res: ServerResponse): void => void res.end();
  const http = createServer((req, res) => listener(req, res));
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const { configuration, guarded = true, ...registration } = options;

  const issued: TestServer['issued'] = [];
  const requests: ExtensionGrantRequest[] = [];
  const provider = new Provider(url, await configurationOf(issued, configuration));
  const server: TestServer = {
    url,
    provider,
    grant: () => undefined,
    requests,
    refused: [],
    issued,
    errors: [],
    post: (form, headers = {}) =>
      fetch(`${url}/token`, { method: 'POST', body: bodyOf(form), headers: { ...FORM, ...headers } }),
    sign: (claims, typ = 'at+jwt') =>
      new SignJWT({ iss: url, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ })
        .sign(SIGNING.privateKey),
    close: () => close(http),
  };
  provider.on('server_error', (_ctx, error) => void server.errors.push(error));
  registerExtensionGrants(provider, {
    validators: GRANTS.map((grantType) => ({
      grantType,
      async validate(request) {
        requests.push(request);
        return (await server.grant(request)) as GrantResult;
      },
    })),
    apis: TARGETS,
    onRefused: async (refused) => void server.refused.push(refused),
    ...registration,
  });

  const callback = provider.callback();
  const guard = createTokenRequestGuard({ realm: url });
  listener = (req, res) => {
    if (guarded && req.url === '/token') guard(req, res, () => void callback(req, res));
    else void callback(req, res);
  };
  return server;
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

function bodyOf(form: Record<string, string> | string | [string, string][]): string {
  return typeof form === 'string' ? form : new URLSearchParams(form).toString();
}

async function configurationOf(
  issued: TestServer['issued'],
  configuration: Partial<Configuration> = {},
): Promise<Configuration> {
  const jwk = { ...(await exportJWK(SIGNING.privateKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  return {
    jwks: { keys: [jwk] },
    clients: CLIENTS,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    cookies: { keys: ['test'] },
    ttl: { AccessToken: 600, ClientCredentials: 600 },
    extraTokenClaims,
    findAccount: (_ctx, sub) => (sub === USER ? { accountId: sub, claims: () => ({ sub }) } : undefined),
    formats: {
      customizers: {
        jwt: (ctx, token, jwt) => {
          const { jti } = jwt.payload as { jti: string };
          issued.push({ jti, clientId: token.clientId ?? '', issuance: issuanceOf(token), ctx });
        },
      },
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: APIS.find((api) => api.identifier === resource)?.scopes.join(' ') ?? '',
          audience: resource,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    ...configuration,
  };
}

async function close(http: Server): Promise<void> {
  http.closeAllConnections();
  await new Promise<void>((resolve) => void http.close(() => resolve()));
}

/** `client_id` and `client_secret` of a client of these tests. */
export function as(clientId: string): Record<string, string> {
  return { client_id: clientId, client_secret: 's3cret' };
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** The user's token for `orders`, as a validator gives it, with whatever a test wants otherwise. */
export function subjectToken(overrides: Partial<SubjectToken> = {}): SubjectToken {
  return {
    kind: 'access_token',
    subject: USER,
    jti: 'parent',
    expiresAt: nowSeconds() + 600,
    issuer: 'https://issuer.example',
    audience: ORDERS,
    clientId: 'web',
    scopes: ['orders.read'],
    act: undefined,
    actorChain: [],
    mayAct: undefined,
    sessionId: 'session-1',
    authTime: 1_700_000_000,
    authenticationMethods: ['pwd'],
    confirmation: undefined,
    claims: {},
    ...overrides,
  };
}
