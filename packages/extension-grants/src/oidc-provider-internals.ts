/**
 * The one place that reaches into oidc-provider. `lib/helpers/grants.js` is made for custom grants but outside its
 * semantic versioning, the rest is private: oidc-provider's version is pinned exactly, and this file is read again
 * whenever the pin moves.
 */
import type {
  Client,
  ClientMetadata,
  KoaContextWithOIDC,
  Provider,
  ResourceServer,
  ResourceServerInstance,
} from 'oidc-provider';
// @ts-expect-error it has no types
import als from 'oidc-provider/lib/helpers/als.js';
// @ts-expect-error it has no types
import { resourceServer as checkResourceServer } from 'oidc-provider/lib/helpers/configuration_result.js';
// @ts-expect-error it has no types
import { sign } from 'oidc-provider/lib/helpers/jwt.js';
// @ts-expect-error it has no types
import instance from 'oidc-provider/lib/helpers/weak_cache.js';

export {
  buildTokenResponse,
  checkDpopReplay,
  checkDpopRequired,
  findAccount,
  validateDpop,
  type DPoPValidationResult,
} from 'oidc-provider/lib/helpers/grants.js';

interface ProviderInternals {
  readonly configuration: {
    readonly grantTypes: ReadonlySet<string>;
    readonly clientDefaults: { readonly id_token_signed_response_alg: string };
    readonly features: {
      readonly resourceIndicators: {
        readonly enabled: boolean;
        getResourceServerInfo(
          ctx: KoaContextWithOIDC | undefined,
          resource: string,
          client: Client,
        ): ResourceServer | Promise<ResourceServer>;
      };
    };
  };
  readonly grantTypeHandlers: ReadonlyMap<string, unknown>;
  readonly keystore: {
    selectForSign(options: { alg: string; use: 'sig' }): readonly { readonly kid?: string }[];
    getKeyObject(key: unknown): unknown;
  };
}

const stateOf = instance as (provider: Provider) => ProviderInternals;

/** Grant types that oidc-provider has a handler for or reserves a name for. */
export function knownGrantTypes(provider: Provider): ReadonlySet<string> {
  const { configuration, grantTypeHandlers } = stateOf(provider);
  return new Set([...configuration.grantTypes, ...grantTypeHandlers.keys()]);
}

export function hasResourceIndicators(provider: Provider): boolean {
  return stateOf(provider).configuration.features.resourceIndicators.enabled;
}

/** An API as the configuration's `getResourceServerInfo` describes it; `ctx` is undefined outside a request. */
export async function resourceServerOf(
  provider: Provider,
  ctx: KoaContextWithOIDC | undefined,
  resource: string,
  client: Client,
): Promise<ResourceServerInstance> {
  const { getResourceServerInfo } = stateOf(provider).configuration.features.resourceIndicators;
  const info = (checkResourceServer as (value: unknown) => ResourceServer)(
    await getResourceServerInfo(ctx, resource, client),
  );
  return new provider.ResourceServer(resource, info);
}

/** Gives a token its id. oidc-provider chooses the token's format when it makes an id itself, so it makes one first. */
export function setTokenId(token: { jti: string }, jti: string): void {
  (token as { jti: string; generateTokenId(): string }).generateTokenId();
  token.jti = jti;
}

/** Signs a JWT with the key and the algorithm that oidc-provider uses for ID tokens. */
export async function signJwt(
  provider: Provider,
  payload: Record<string, unknown>,
  typ: string,
): Promise<string> {
  const { configuration, keystore } = stateOf(provider);
  const alg = configuration.clientDefaults.id_token_signed_response_alg;
  const [key] = keystore.selectForSign({ alg, use: 'sig' });
  if (key === undefined) throw new Error(`oidc-provider has no key for ${alg}`);
  const signJws = sign as (
    payload: object,
    key: unknown,
    alg: string,
    options: { typ: string; fields: object },
  ) => Promise<string>;
  return signJws(payload, keystore.getKeyObject(key), alg, { typ, fields: { kid: key.kid } });
}

/** Runs outside the request that oidc-provider knows to be under way. */
export function outsideRequest<Result>(task: () => Promise<Result>): Promise<Result> {
  return (als as { run(store: undefined, task: () => Promise<Result>): Promise<Result> }).run(
    undefined,
    task,
  );
}

/** A client that is registered nowhere and may use no grant: only this server itself can act as it. */
export function publicClient(provider: Provider, clientId: string): Client {
  const Model = provider.Client as unknown as new (metadata: ClientMetadata) => Client;
  return new Model({
    client_id: clientId,
    token_endpoint_auth_method: 'none',
    grant_types: [],
    response_types: [],
    redirect_uris: [],
  });
}
