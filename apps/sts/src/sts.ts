import { createAccessTokenVerifier, createStaticKeySet } from '@behalf/auth';
import {
  type AccessTokenValidator,
  createAccessTokenValidator,
  type ExtensionGrantValidator,
  type TokenTools,
} from '@behalf/extension-grants';
import { fetchWithRequestId, type Logger } from '@behalf/service';
import type { Express } from 'express';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { tellSteps, tellSubscriptionSteps } from './demo/steps.ts';
import type { ExchangeDependencies } from './grants/authorize-actor.ts';
import { createDelegationGrant } from './grants/delegation.ts';
import { createSubjectTokenReader } from './grants/subject-token.ts';
import { createSubscriptionsClient } from './grants/subscriptions-client.ts';
import { createTokenExchangeGrant } from './grants/token-exchange.ts';
import { createTranslationGrant } from './grants/translation.ts';
import { createTrustedIssuerTokenValidator, rememberUntil } from './grants/trusted-issuer-token.ts';
import { createDirectoryUsers, type UserDirectory } from './federation/directory.ts';
import { federationRoutes, UPSTREAM_CALLBACK } from './federation/routes.ts';
import { createUpstream } from './federation/upstream.ts';
import { createSignInThrottle } from './interactions/throttle.ts';
import type { KeySnapshot } from './keys/key-ring.ts';
import { assertLifetimes, lifetimes } from './lifetimes.ts';
import { createClientDocuments } from './oidc/client-documents.ts';
import { createProviderClients } from './oidc/clients.ts';
import {
  createCurrentProvider,
  SigningKey,
  type ProviderKeys,
  type CurrentProvider,
} from './oidc/current-provider.ts';
import { startLogoutWorker } from './oidc/back-channel-logout.ts';
import { createProvider } from './provider.ts';
import { createApiDirectory } from './registry/apis.ts';
import { USER_SUBSCRIPTION_CLIENT } from './registry/clients.ts';
import { DELEGATION_POLICY } from './registry/delegation-policy.ts';
import { loadRegistry, type Registry, seedRegistry, validateDatabase } from './registry/load-registry.ts';
import { DEMO_USERS } from './registry/users-and-issuers.ts';
import { createState, openStsDatabase, type State } from './state/state.ts';

export interface Sts {
  readonly app: Express;
  readonly host: CurrentProvider;
  readonly state: State;
  /** Stops the work in the background and closes the database. */
  close(): Promise<void>;
}

export interface CreateStsOptions {
  readonly logger: Logger;
  /** Epoch seconds. Default: the system's clock. */
  readonly now?: () => number;
  /** How often this process looks for keys that another one changed. Default 1000. */
  readonly keyIntervalMs?: number;
  /** Where users are kept instead of in this server's database. */
  readonly directory?: UserDirectory;
  /** How often expired records are removed. Default five minutes. */
  readonly sweepIntervalMs?: number;
}

/** Opens the whole service over its database: everything but the listening. */
export async function createSts(config: Config, options: CreateStsOptions): Promise<Sts> {
  const { logger, now = () => Math.floor(Date.now() / 1000) } = options;
  const { issuer } = config.registry;
  assertLifetimes();
  const registry = await loadRegistry(config);
  const database = await openStsDatabase(config, { logger, access: 'server' });
  const state = await createState({ database, config, registry, logger, now, access: 'server' });
  const { apis } = registry;
  const { clients, ledger, revocation } = state;
  const { directory } = options;
  const users = directory === undefined ? state.users : createDirectoryUsers(state, directory);
  if (config.seed) {
    await seedRegistry(registry, state, (client_id) =>
      logger.info({ client_id }, 'the secret from the settings was added to the client'),
    );
  }
  await validateDatabase(registry, state, { ...config, now: now() });
  const keys = await state.openKeyRing();

  let jwks = publicJwks(keys.current());
  const publicKeys = createStaticKeySet(jwks);
  const accessTokens = createAccessTokenValidator({
    issuer,
    jwks: () => jwks,
    statusOf: ledger.statusOf,
    now,
  });
  const clientDocuments = config.clientDocuments && createClientDocuments(config.clientDocuments);
  const providerClients = createProviderClients(clients, [USER_SUBSCRIPTION_CLIENT], clientDocuments);
  const apiDirectory = createApiDirectory(apis, providerClients.scopesOf);
  const validators = createValidators({ config, registry, state, accessTokens });

  const host = createCurrentProvider(
    (providerKeys) =>
      createProvider(
        {
          issuer,
          now,
          logger,
          state,
          users,
          providerClients,
          clientDocuments,
          apis,
          apiDirectory,
          findLiveToken: async (jwt) => {
            const result = await accessTokens.validate(jwt);
            return result.ok ? result.token : undefined;
          },
          verify: async (jwt) => {
            const result = await accessTokens.verify(jwt);
            return result.ok ? result.token : undefined;
          },
          internalClients: [USER_SUBSCRIPTION_CLIENT],
          validators,
        },
        providerKeys,
      ),
    providerKeysOf(keys.current(), config),
  );

  const app = createApp({
    issuer,
    webOrigin: config.webOrigin,
    trustedProxies: config.trustedProxies,
    logger,
    now,
    host,
    users,
    throttle: createSignInThrottle(state.database.db, now),
    demoUsers: config.demo && !config.isProduction ? DEMO_USERS : [],
    verifier: createAccessTokenVerifier({ issuer, audience: issuer, keySet: publicKeys, now }),
    ledger,
    queries: state.queries,
    revocation,
    experiments: config.experiments
      ? { policy: DELEGATION_POLICY, apis, clients, demo: config.demo }
      : undefined,
    federation: federation(),
    ready: () => state.database.ping(),
  });

  const stopKeys = keys.watch(
    (snapshot) => {
      jwks = publicJwks(snapshot);
      publicKeys.replace(jwks);
      host.replaceKeys(providerKeysOf(snapshot, config));
      logger.info({ kid: snapshot.activeKid }, 'the signing keys changed');
    },
    {
      ...(options.keyIntervalMs === undefined ? {} : { intervalMs: options.keyIntervalMs }),
      onError: (error) => logger.warn({ err: error }, 'the signing keys cannot be read'),
    },
  );
  const stopLogouts = startLogoutWorker({ outbox: state.outbox, provider: () => host.current, logger });
  const sweeping = setInterval(() => {
    state
      .sweep()
      .catch((error: unknown) => logger.warn({ err: error }, 'expired records could not be removed'));
  }, options.sweepIntervalMs ?? lifetimes.sweepIntervalMs).unref();

  function federation() {
    if (config.upstream === undefined) return undefined;
    const upstream = createUpstream(config.upstream, `${issuer}${UPSTREAM_CALLBACK}`, now);
    const pendingSignIns = state.adapter('UpstreamSignIn');
    const parts = {
      upstream,
      people: state.people,
      provider: () => host.current,
      revocation,
      pendingSignIns,
    };
    return { name: config.upstream.name, routes: federationRoutes({ ...parts, logger, now }) };
  }

  return {
    app,
    host,
    state,
    async close() {
      stopKeys();
      clearInterval(sweeping);
      await stopLogouts();
      await state.database.close();
    },
  };
}

function publicJwks(snapshot: KeySnapshot) {
  return { keys: [...snapshot.publicJwks.keys] };
}

function providerKeysOf(snapshot: KeySnapshot, config: Config): ProviderKeys {
  return {
    signingKeys: snapshot.jwks.keys.map((jwk) => new SigningKey(jwk)),
    cookieKeys: config.cookieKeys ?? snapshot.cookieKeys,
  };
}

interface ValidatorParts {
  readonly config: Config;
  readonly registry: Registry;
  readonly state: State;
  /** For the access tokens of this server. */
  readonly accessTokens: AccessTokenValidator;
}

/** The extension grants with everything they need. A new grant is a file in `grants/`, a line here, and its name in `registry/clients.ts`. */
function createValidators({ config, registry, state, accessTokens }: ValidatorParts) {
  const { apis, trustedIssuers } = registry;
  const exchange: ExchangeDependencies = {
    policy: DELEGATION_POLICY,
    apis,
    accessTokens,
    ledger: state.ledger,
  };
  const client = createSubscriptionsClient({ url: config.subscriptionsUrl, fetch: fetchWithRequestId });
  const subscriptions = config.experiments ? tellSubscriptionSteps(client) : client;
  const subjectTokens = createSubjectTokenReader(
    accessTokens,
    createTrustedIssuerTokenValidator({ issuers: trustedIssuers, users: state.users }),
  );

  const translation = (tokenTools: TokenTools) =>
    createTranslationGrant({
      ...exchange,
      subjectTokens,
      subscriptions,
      subscriptionsAudience: config.registry.subscriptionsResource,
      tokenTools,
      consumePartnerToken: async (token) => {
        const issuer = trustedIssuers.find(({ issuer: name }) => name === token.issuer);
        if (issuer === undefined) return false;
        return state.consumePartnerToken(token.issuer, token.jti, rememberUntil(token, issuer));
      },
    });

  return (tokenTools: TokenTools): readonly ExtensionGrantValidator[] => [
    createDelegationGrant(exchange),
    createTokenExchangeGrant({ ...exchange, issuer: config.registry.issuer }),
    config.experiments ? tellSteps(translation(tokenTools)) : translation(tokenTools),
  ];
}
