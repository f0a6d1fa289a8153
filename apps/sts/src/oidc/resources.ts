import { type Client, errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import type { ApiRegistry } from '../registry/apis.ts';
import { ownScopesOf } from './clients.ts';

type Context = KoaContextWithOIDC | undefined;

/**
 * Resource indicators (RFC 8707): one API per access token, and at each API no scope that the client is not registered
 * for. `client_credentials` must name scopes, of one API, and gets exactly those (RFC 6749 §4.4.2).
 */
export function createResourceIndicators(
  apis: ApiRegistry,
  scopesOfClient: (clientId: string) => readonly string[],
) {
  const registeredFor = (client: Client) => scopesOfClient(client.clientId);

  return {
    /** Without a `resource`: the APIs that own the scopes asked for. Several granted ones are never chosen between. */
    async defaultResource(ctx: Context, client: Client, granted?: readonly string[]) {
      if (granted !== undefined) return granted.length === 1 ? granted[0] : [...granted];
      if (isClientCredentials(ctx)) return ownTarget(ctx, client);
      if (!isAuthorization(ctx)) return undefined;
      assertRegistered(ctx, client);
      const owners = ownersOf(scopesOf(ctx));
      return owners.length === 0 ? undefined : owners;
    },

    async getResourceServerInfo(ctx: Context, identifier: string, client: Client): Promise<ResourceServer> {
      if (isClientCredentials(ctx) && ownTarget(ctx, client) !== identifier) throw new errors.InvalidTarget();
      if (isAuthorization(ctx)) assertRegistered(ctx, client);
      const resource = apis.find(identifier);
      if (resource?.identifier !== identifier) throw new errors.InvalidTarget();
      const scopes = resource.scopes.filter((scope) => registeredFor(client).includes(scope));
      if (scopes.length === 0) throw new errors.InvalidTarget();
      return {
        scope: narrowed(ctx, scopes).join(' '),
        audience: identifier,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      };
    },

    /** A token request without `resource` gets an opaque token for the userinfo endpoint. */
    useGrantedResource: async () => false,
  };

  /** The one API whose scopes a client asks for itself. */
  function ownTarget(ctx: Context, client: Client): string {
    const scopes = scopesOf(ctx);
    if (scopes.length === 0) throw new errors.InvalidScope('name the scopes that the token is to have', '');
    const foreign = scopes.find((scope) => !ownScopesOf(client, registeredFor(client)).includes(scope));
    if (foreign !== undefined)
      throw new errors.InvalidScope('the client is not registered for this scope', foreign);
    const [owner, other] = ownersOf(scopes);
    if (owner === undefined || other !== undefined) {
      throw new errors.InvalidScope('the scopes belong to different APIs', scopes.join(' '));
    }
    return owner;
  }

  /** An API's scope that the client is not registered for is refused; an unknown one is ignored (OpenID Connect Core §3.1.2.1). */
  function assertRegistered(ctx: Context, client: Client): void {
    const foreign = scopesOf(ctx).find(
      (scope) => apis.ownerOf(scope) !== undefined && !registeredFor(client).includes(scope),
    );
    if (foreign !== undefined)
      throw new errors.InvalidScope('the client is not registered for this scope', foreign);
  }

  function ownersOf(scopes: readonly string[]): string[] {
    const owners = scopes.map((scope) => apis.ownerOf(scope)?.identifier);
    return [...new Set(owners.filter((owner) => owner !== undefined))];
  }
}

/** A code request may ask for fewer scopes of the API; oidc-provider itself reads none there. */
function narrowed(ctx: Context, scopes: readonly string[]): readonly string[] {
  if (ctx?.oidc.route !== 'token' || ctx.oidc.params?.['grant_type'] !== 'authorization_code') return scopes;
  const wanted: unknown = ctx.oidc.body?.['scope'];
  if (typeof wanted !== 'string' || wanted === '') return scopes;
  return scopes.filter((scope) => wanted.split(' ').includes(scope));
}

function isClientCredentials(ctx: Context): boolean {
  return ctx?.oidc.route === 'token' && ctx.oidc.params?.['grant_type'] === 'client_credentials';
}

function isAuthorization(ctx: Context): boolean {
  const route = ctx?.oidc.route;
  return route === 'authorization' || route === 'pushed_authorization_request';
}

function scopesOf(ctx: Context): readonly string[] {
  const scope: unknown = ctx?.oidc.params?.['scope'];
  return typeof scope === 'string' ? [...new Set(scope.split(' ').filter((value) => value !== ''))] : [];
}
