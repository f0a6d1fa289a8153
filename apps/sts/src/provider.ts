import type { AccessToken as VerifiedToken } from '@behalf/auth';
import {
  type ApiDirectory,
  createTokenTools,
  type ExtensionGrantValidator,
  type GrantClient,
  registerExtensionGrants,
  type SubjectToken,
  type TokenTools,
} from '@behalf/extension-grants';
import { currentRequestId, type Logger } from '@behalf/service';
import { type Configuration, Provider, type Session } from 'oidc-provider';
import type { ClientDocuments } from './oidc/client-documents.ts';
import { createAssertionCheck, type createProviderClients, OWN_CLIENT_METADATA } from './oidc/clients.ts';
import type { ProviderKeys } from './oidc/current-provider.ts';
import {
  createRevocationPolicy,
  introspectJwts,
  mayIntrospectRecord,
  revokeJwts,
} from './oidc/jwt-endpoints.ts';
import { createIssuedRecorder, createRefusalRecorder } from './oidc/ledger-hooks.ts';
import {
  CLAIMS_BY_SCOPE,
  createFindAccount,
  createLoginClaims,
  loadExistingGrant,
  recordSignInBrowser,
} from './oidc/login.ts';
import { renderError, replaceFormPostPages } from './oidc/pages.ts';
import { createResourceIndicators, resolveQueriedResources, resolveResources } from './oidc/resources.ts';
import {
  addApisToDiscovery,
  completeTokenAnswer,
  ENDPOINTS,
  onRoute,
  refuseClientAssertion,
} from './oidc/routes.ts';
import { createSignOut } from './oidc/sign-out.ts';
import { lifetimes } from './lifetimes.ts';
import type { ApiRegistry } from './registry/apis.ts';
import { OPENID_SCOPES } from './registry/clients.ts';
import { sessionIdOf } from './state/schema.ts';
import type { State } from './state/state.ts';
import type { UserStore } from './state/users.ts';

export interface ProviderParts {
  readonly issuer: string;
  /** Epoch seconds. */
  readonly now: () => number;
  readonly logger: Logger;
  readonly state: State;
  readonly users: Pick<UserStore, 'findById'>;
  readonly apis: ApiRegistry;
  readonly apiDirectory: ApiDirectory;
  readonly providerClients: ReturnType<typeof createProviderClients>;
  /** Undefined: no client may have its metadata at an address. */
  readonly clientDocuments: ClientDocuments | undefined;
  /** A token of ours that is genuine and active. */
  readonly findLiveToken: (jwt: string) => Promise<SubjectToken | undefined>;
  /** A token of ours that is genuine, active or not. */
  readonly verify: (jwt: string) => Promise<VerifiedToken | undefined>;
  /** Clients that only this server itself acts as. */
  readonly internalClients: readonly GrantClient[];
  /** The extension grants; they may issue tokens with the tools of oidc-provider that they run in. */
  readonly validators: (tools: TokenTools) => readonly ExtensionGrantValidator[];
}

const AUTHENTICATED = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const;

/**
 * The authorization server: oidc-provider with our configuration, grants and middleware. Its keys cannot change while it
 * runs, so another one is built when they do.
 */
export function createProvider(parts: ProviderParts, { signingKeys, cookieKeys }: ProviderKeys): Provider {
  const { issuer, now, logger, state, users, apis, apiDirectory, clientDocuments } = parts;
  const { ledger, revocation } = state;

  const features: Configuration['features'] = {
    devInteractions: { enabled: false },
    externalSigningSupport: { enabled: true, ack: 'experimental-01' },
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    resourceIndicators: { enabled: true, ...createResourceIndicators(apis, apiDirectory.scopesOf) },
    introspection: { enabled: true, allowedPolicy: mayIntrospectRecord },
    revocation: { enabled: true, allowedPolicy: createRevocationPolicy(revocation) },
    rpInitiatedLogout: { enabled: true },
    backchannelLogout: { enabled: true },
    clientIdMetadataDocument: clientDocuments?.feature ?? { enabled: false },
  };

  const clientRules: Configuration = {
    clientAuthMethods: [...AUTHENTICATED, 'none'],
    assertJwtClientAuthClaimsAndHeader: createAssertionCheck(issuer, now),
    clientDefaults: { id_token_signed_response_alg: 'ES256', require_auth_time: false },
    extraClientMetadata: { properties: OWN_CLIENT_METADATA },
    responseTypes: ['code'],
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    clientBasedCORS: (_ctx, origin, client) =>
      (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin),
  };

  const tokens: Configuration = {
    jwks: { keys: [...signingKeys] },
    clockTolerance: lifetimes.issuedAheadSeconds,
    enabledJWA: {
      clientAuthSigningAlgValues: ['ES256'],
      idTokenSigningAlgValues: ['ES256'],
      dPoPSigningAlgValues: ['ES256'],
    },
    formats: { customizers: { jwt: createIssuedRecorder(ledger, currentRequestId) } },
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    // A confidential client authenticates with each refresh, and after a lost answer may ask again (FAPI 2.0 §5.3.2.1).
    rotateRefreshToken: (ctx) => ctx.oidc.client?.clientAuthMethod === 'none',
  };

  const cookies = cookieSettings(issuer, cookieKeys);
  const sessions: Configuration = {
    cookies,
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    expiresWithSession: async () => true,
    loadExistingGrant,
    ttl: {
      AccessToken: lifetimes.accessTokenSeconds,
      AuthorizationCode: lifetimes.codeSeconds,
      ClientCredentials: lifetimes.clientTokenSeconds,
      IdToken: lifetimes.idTokenSeconds,
      Interaction: lifetimes.interactionSeconds,
      Session: (_ctx, session) => remainingOf((session as Session & { loginTs?: number }).loginTs),
      RefreshToken: (_ctx, token) => remainingOf(token.authTime),
      Grant: lifetimes.sessionSeconds,
    },
  };

  const claims: Configuration = {
    scopes: [...OPENID_SCOPES],
    claims: CLAIMS_BY_SCOPE,
    conformIdTokenClaims: true,
    findAccount: createFindAccount(users),
    extraTokenClaims: createLoginClaims(users),
  };

  const provider = new Provider(issuer, {
    adapter: state.adapter,
    features,
    ...clientRules,
    ...tokens,
    ...sessions,
    ...claims,
    routes: ENDPOINTS,
    // All but documents of clients lies at addresses that operators registered, often within a private network, so
    // oidc-provider's guard against such networks is left out.
    fetch: (url, { dispatcher: _dispatcher, ...options }: RequestInit & { dispatcher?: unknown } = {}) =>
      clientDocuments?.isFinding() === true && typeof url === 'string'
        ? clientDocuments.fetch(url)
        : fetch(url, options),
    renderError,
    discovery: {
      prompt_values_supported: ['none', 'login', 'consent'],
      ui_locales_supported: ['en'],
      introspection_endpoint_auth_methods_supported: [...AUTHENTICATED],
      revocation_endpoint_auth_methods_supported: [...AUTHENTICATED, 'none'],
    },
  });
  provider.proxy = true;

  parts.providerClients.install(provider, now);
  // oidc-provider looks first and writes then; this is one insert.
  provider.ReplayDetection.unique = state.consumeProof;
  // One name for a login session: ID tokens, access tokens and logout tokens of every client have the same `sid`.
  provider.Client.prototype.includeSid = () => true;
  provider.Session.prototype.sidFor = function sidFor(this: Session) {
    return sessionIdOf(this.uid);
  };

  const signOut = createSignOut(provider, state, cookies, now);
  onRoute(provider, logger, {
    authorization: [resolveQueriedResources(apis), replaceFormPostPages],
    resume: [recordSignInBrowser(state, logger), replaceFormPostPages, signOut.changeUser],
    pushed_authorization_request: [resolveResources(apis), refuseClientAssertion],
    token: [resolveResources(apis), refuseClientAssertion, completeTokenAnswer(provider, state, logger)],
    userinfo: [],
    introspection: [refuseClientAssertion, introspectJwts(apis, parts.findLiveToken)],
    revocation: [refuseClientAssertion, revokeJwts(revocation, parts.verify)],
    end_session: [signOut.ask],
    end_session_confirm: [signOut.confirm],
    discovery: [addApisToDiscovery(apis)],
    jwks: [],
  });

  const tools = createTokenTools(provider, { apis: apiDirectory, internalClients: parts.internalClients });
  registerExtensionGrants(provider, {
    validators: [...parts.validators(tools)],
    apis: apiDirectory,
    maximumLifetimeSeconds: lifetimes.delegatedTokenSeconds,
    onRefused: createRefusalRecorder(ledger, currentRequestId),
    now,
    logger,
  });
  return provider;

  /** Seconds until the session that began then must end; as long as a sign-in may take before the sign-in. */
  function remainingOf(signedInAt: number | undefined): number {
    if (signedInAt === undefined) return lifetimes.interactionSeconds;
    return Math.max(1, signedInAt + lifetimes.sessionSeconds - now());
  }
}

/**
 * Cookies of sessions and sign-ins. Over https browsers hold the session to this very host (`__Host-`) and the others to
 * https (`__Secure-`; they have paths of their own), so that no sibling host and no network can plant one (RFC 6265bis §4.1.3).
 */
function cookieSettings(issuer: string, keys: readonly string[]): NonNullable<Configuration['cookies']> {
  const secure = issuer.startsWith('https:');
  const [hostPrefix, securePrefix] = secure ? ['__Host-', '__Secure-'] : ['', ''];
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const;
  return {
    names: {
      session: `${hostPrefix}behalf.session`,
      interaction: `${securePrefix}behalf.interaction`,
      resume: `${securePrefix}behalf.resume`,
    },
    long: cookie,
    short: cookie,
    keys: [...keys],
  };
}
