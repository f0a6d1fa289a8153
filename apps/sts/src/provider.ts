import type { AccessToken as VerifiedToken } from '@behalf/auth';
import {
  createTokenTools,
  type ExtensionGrantValidator,
  type GrantClient,
  type RefusedRequest,
  registerExtensionGrants,
  type SubjectToken,
  type ApiDirectory,
  type TokenTools,
} from '@behalf/extension-grants';
import { currentRequestId, type Logger } from '@behalf/service';
import { type AdapterFactory, type Configuration, Provider, type Session } from 'oidc-provider';
import {
  answerUnknownPaths,
  addApisToDiscovery,
  unconsumeOnFailure,
  type UnconsumePorts,
  reportOutages,
  addRefreshTokenExpiresIn,
  stripProviderCors,
} from './oidc/answers.ts';
import { createAssertionCheck, type createProviderClients, OWN_CLIENT_METADATA } from './oidc/clients.ts';
import type { ProviderKeys } from './oidc/current-provider.ts';
import {
  createRevocationPolicy,
  introspectJwts,
  mayIntrospectRecord,
  revokeJwts,
} from './oidc/jwt-endpoints.ts';
import { createIssuedRecorder } from './oidc/ledger-hooks.ts';
import {
  CLAIMS_BY_SCOPE,
  cookieSettings,
  createFindAccount,
  createLoginClaims,
  loadExistingGrant,
  recordSignInBrowser,
  type RecordBrowserPorts,
} from './oidc/login.ts';
import { logoutSource, postLogoutSuccessSource, renderError, replaceFormPostPages } from './oidc/pages.ts';
import { createResourceIndicators } from './oidc/resources.ts';
import type { ApiRegistry } from './registry/apis.ts';
import { OPENID_SCOPES } from './registry/clients.ts';
import type { TokenLedger } from './state/ledger.ts';
import type { Consume } from './state/replay.ts';
import type { Revocation } from './state/revocation.ts';
import { sessionIdOf } from './state/schema.ts';
import type { UserStore } from './state/users.ts';

export interface ProviderDependencies {
  readonly issuer: string;
  /** Epoch seconds. */
  readonly now: () => number;
  readonly logger: Logger;
  readonly adapter: AdapterFactory;
  readonly unconsume: UnconsumePorts['unconsume'];
  readonly recordBrowser: RecordBrowserPorts['recordBrowser'];
  readonly users: Pick<UserStore, 'findById'>;
  readonly providerClients: ReturnType<typeof createProviderClients>;
  readonly apis: ApiRegistry;
  readonly apiDirectory: ApiDirectory;
  readonly ledger: TokenLedger;
  readonly revocation: Revocation;
  readonly consumeProof: Consume;
  readonly onRefused: (refused: RefusedRequest) => Promise<void>;
  readonly findLiveToken: (jwt: string) => Promise<SubjectToken | undefined>;
  readonly verify: (jwt: string) => Promise<VerifiedToken | undefined>;
  /** Clients that only this server itself acts as. */
  readonly internalClients: readonly GrantClient[];
  /** The extension grants; they may issue tokens with the tools of oidc-provider that they run in. */
  readonly validators: (tools: TokenTools) => readonly ExtensionGrantValidator[];
}

/** A login session ends this long after the sign-in, however busy it was; its refresh tokens end with it. */
const SESSION_SECONDS = 8 * 3600;

const INTERACTION_SECONDS = 30 * 60;

/**
 * The authorization server: oidc-provider, configured, with our grants and hooks. Keys cannot change while it runs, so
 * the host builds another one when they do.
 */
export function createProvider(dependencies: ProviderDependencies, keys: ProviderKeys): Provider {
  const { apis, ledger, revocation } = dependencies;
  const provider = new Provider(dependencies.issuer, configurationOf(dependencies, keys));
  provider.proxy = true;
  overrideModels(provider, dependencies);

  provider.use(stripProviderCors);
  reportOutages(provider, dependencies.logger);
  unconsumeOnFailure(provider, dependencies);
  provider.use(answerUnknownPaths);
  provider.use(addApisToDiscovery(apis));
  provider.use(replaceFormPostPages);
  provider.use(addRefreshTokenExpiresIn);
  provider.use(recordSignInBrowser(dependencies));
  provider.use(introspectJwts({ apis, findLiveToken: dependencies.findLiveToken }));
  provider.use(revokeJwts({ revocation, verify: dependencies.verify }));

  const tools = createTokenTools(provider, {
    apis: dependencies.apiDirectory,
    internalClients: dependencies.internalClients,
  });
  registerExtensionGrants(provider, {
    validators: [...dependencies.validators(tools)],
    apis: dependencies.apiDirectory,
    onRefused: dependencies.onRefused,
    now: dependencies.now,
    logger: dependencies.logger,
  });
  return provider;

  function configurationOf(_: ProviderDependencies, { jwks, cookieKeys }: ProviderKeys): Configuration {
    return {
      adapter: dependencies.adapter,
      jwks,
      routes: {
        authorization: '/connect/authorize',
        token: '/connect/token',
        userinfo: '/connect/userinfo',
        end_session: '/connect/endsession',
        introspection: '/connect/introspect',
        revocation: '/connect/revocation',
        pushed_authorization_request: '/connect/par',
        jwks: '/.well-known/openid-configuration/jwks',
      },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        dPoP: { enabled: true },
        pushedAuthorizationRequests: { enabled: true },
        resourceIndicators: {
          enabled: true,
          ...createResourceIndicators(apis, dependencies.apiDirectory.scopesOf),
        },
        introspection: { enabled: true, allowedPolicy: mayIntrospectRecord },
        revocation: { enabled: true, allowedPolicy: createRevocationPolicy(revocation) },
        rpInitiatedLogout: { enabled: true, logoutSource, postLogoutSuccessSource },
        backchannelLogout: { enabled: true },
      },
      // What oidc-provider calls `fetch` for is addressed by operators only (their clients' logout and key addresses), often
      // within a private network, so its guard against such networks is left out.
      fetch: (url, { dispatcher: _dispatcher, ...options }: RequestInit & { dispatcher?: unknown } = {}) =>
        fetch(url, options),

      clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
      assertJwtClientAuthClaimsAndHeader: createAssertionCheck(dependencies.now),
      clientDefaults: { id_token_signed_response_alg: 'ES256', require_auth_time: false },
      extraClientMetadata: { properties: OWN_CLIENT_METADATA },
      enabledJWA: {
        clientAuthSigningAlgValues: ['ES256'],
        idTokenSigningAlgValues: ['ES256'],
        dPoPSigningAlgValues: ['ES256'],
      },
      responseTypes: ['code'],
      pkce: { required: () => true },
      allowOmittingSingleRegisteredRedirectUri: false,
      conformIdTokenClaims: true,
      clockTolerance: 5,
      scopes: [...OPENID_SCOPES],
      claims: CLAIMS_BY_SCOPE,
      findAccount: createFindAccount(dependencies.users),
      loadExistingGrant,
      clientBasedCORS: (_ctx, origin, client) =>
        (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin),

      rotateRefreshToken: true,
      issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
      expiresWithSession: async () => true,
      ttl: {
        AccessToken: 600,
        AuthorizationCode: 60,
        ClientCredentials: 300,
        IdToken: 600,
        Interaction: INTERACTION_SECONDS,
        Session: (_ctx, session) => remainingOf((session as Session & { loginTs?: number }).loginTs),
        RefreshToken: (_ctx, token) => remainingOf(token.authTime),
        Grant: SESSION_SECONDS,
      },

      extraTokenClaims: createLoginClaims(dependencies.users),
      formats: { customizers: { jwt: createIssuedRecorder(ledger, currentRequestId) } },

      interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
      renderError,
      cookies: cookieSettings(dependencies.issuer, cookieKeys),
      discovery: {
        prompt_values_supported: ['none', 'login', 'consent'],
        ui_locales_supported: ['en'],
        // A public client names itself, and is shown its own tokens alone.
        introspection_endpoint_auth_methods_supported: [...AUTHENTICATED, 'none'],
        revocation_endpoint_auth_methods_supported: [...AUTHENTICATED, 'none'],
      },
    };
  }

  /** Seconds until the session that began then must end; nobody signed in yet: as long as a sign-in may take. */
  function remainingOf(signedInAt: number | undefined): number {
    if (signedInAt === undefined) return INTERACTION_SECONDS;
    return Math.max(1, signedInAt + SESSION_SECONDS - dependencies.now());
  }
}

const AUTHENTICATED = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];

/** Three things that oidc-provider does in memory or in two steps, and that must hold on every replica at once. */
function overrideModels(provider: Provider, dependencies: ProviderDependencies): void {
  const { providerClients, consumeProof, revocation, now } = dependencies;

  providerClients.install(provider, now);

  // oidc-provider looks first and writes then; this is one insert.
  provider.ReplayDetection.unique = consumeProof;

  // A logout ends the login and all that hangs from it before oidc-provider forgets the session.
  const forget = provider.Session.prototype.destroy;
  provider.Session.prototype.destroy = async function destroy(this: Session) {
    if (this.accountId !== undefined) await revocation.endSession(sessionIdOf(this.uid));
    return forget.call(this);
  };
}
