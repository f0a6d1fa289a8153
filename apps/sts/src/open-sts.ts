import { createAccessTokenVerifier, verifyAccessToken } from '@behalf/auth';
import { createAccessTokenValidator } from '@behalf/extension-grants';
import { currentRequestId, type Logger } from '@behalf/service';
import type { Express } from 'express';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { startLogoutWorker } from './engine/back-channel-logout.ts';
import { createProviderHost, type EngineKeys, type ProviderHost } from './engine/provider-host.ts';
import { createPublicKeys } from './engine/public-keys.ts';
import { createRefusalRecorder } from './engine/record-refused.ts';
import { createClientScopes } from './engine/registered-clients.ts';
import { createValidators } from './validators.ts';
import { createAttemptCounter } from './interactions/attempt-counter.ts';
import { createSignInThrottle } from './interactions/throttle.ts';
import type { KeySnapshot } from './keys/key-snapshot.ts';
import { openRegistry, seedRegistry } from './open-registry.ts';
import { openState, type State } from './open-state.ts';
import { createProvider } from './provider.ts';
import { USER_SUBSCRIPTION_CLIENT } from './registry/clients.ts';
import { createTargetDirectory } from './registry/resources.ts';

export interface Sts {
  readonly app: Express;
  readonly host: ProviderHost;
  readonly state: State;
  /** Stops the work in the background and closes the database. */
  close(): Promise<void>;
}

export interface OpenStsOptions {
  readonly logger: Logger;
  /** Epoch seconds. Default: the system's clock. */
  readonly now?: () => number;
  /** How often this process looks for keys that another one changed. Default 1000. */
  readonly keyIntervalMs?: number;
  /** How often expired records are removed. Default five minutes. */
  readonly sweepIntervalMs?: number;
}

/** Opens the whole service over its database: everything but the listening. */
export async function openSts(config: Config, options: OpenStsOptions): Promise<Sts> {
  const { logger, now = () => Math.floor(Date.now() / 1000) } = options;
  const { issuer } = config.registry;
  const registry = await openRegistry(config);
  const state = await openState({ config, registry, logger, now });
  const { resources } = registry;
  const { clients, users, ledger, revocation, keys } = state;
  await seedRegistry(registry, state, { ...config, now: now() });

  const publicKeys = createPublicKeys(publicJwks(keys.current()));
  const accessTokens = createAccessTokenValidator({
    issuer,
    key: publicKeys.key,
    livenessOf: (jti, at) => ledger.livenessOf(jti, at),
  });
  const clientScopes = createClientScopes(clients, [USER_SUBSCRIPTION_CLIENT]);
  const targets = createTargetDirectory(resources, clientScopes.of);
  const validators = createValidators({ config, registry, state, accessTokens });

  const host = createProviderHost(
    (engineKeys) =>
      createProvider(
        {
          issuer,
          now,
          logger,
          adapter: state.adapter,
          release: state.release,
          noteBrowser: state.noteBrowser,
          users,
          clients: { ...clients, find: clientScopes.find },
          resources,
          targets,
          ledger,
          revocation,
          claimProof: state.claimProof,
          onRefused: createRefusalRecorder(ledger, currentRequestId),
          findLiveToken: async (jwt) => {
            const result = await accessTokens.validate(jwt, { now: now() });
            return result.ok ? result.token : undefined;
          },
          verify: async (jwt) => {
            const result = await verifyAccessToken(jwt, { issuer, key: publicKeys.key, now: now() });
            return result.ok ? result.token : undefined;
          },
          internalClients: [USER_SUBSCRIPTION_CLIENT],
          validators,
        },
        engineKeys,
      ),
    engineKeysOf(keys.current(), config),
  );

  const app = createApp({
    issuer,
    webOrigin: config.webOrigin,
    trustedProxies: config.trustedProxies,
    logger,
    now,
    host,
    resources,
    users,
    throttle: createSignInThrottle(createAttemptCounter(state.database.db, now)),
    verifier: createAccessTokenVerifier({ issuer, audience: issuer, keySet: publicKeys.keySet, now }),
    ledger,
    queries: state.queries,
    revocation,
    ready: () => state.database.ping(),
  });

  const stopKeys = keys.watch(
    (snapshot) => {
      publicKeys.replace(publicJwks(snapshot));
      host.replaceKeys(engineKeysOf(snapshot, config));
      logger.info({ kid: snapshot.activeKid }, 'the signing keys changed');
    },
    {
      ...(options.keyIntervalMs === undefined ? {} : { intervalMs: options.keyIntervalMs }),
      onError: (error) => logger.warn({ err: error }, 'the signing keys cannot be read'),
    },
  );
  const stopLogouts = startLogoutWorker({ outbox: state.outbox, provider: () => host.current, logger });
  const sweeping = setInterval(
    () => {
      state
        .sweep()
        .catch((error: unknown) => logger.warn({ err: error }, 'expired records could not be removed'));
    },
    options.sweepIntervalMs ?? 5 * 60_000,
  ).unref();

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

function engineKeysOf(snapshot: KeySnapshot, config: Config): EngineKeys {
  return {
    jwks: { keys: [...snapshot.jwks.keys] },
    cookieKeys: config.cookieKeys ?? snapshot.cookieKeys,
  };
}
