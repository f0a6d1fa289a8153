import { type GuardedRequest, identifierOf, presentBody } from '@behalf/extension-grants';
import { type Client, errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import type { ApiRegistry } from '../registry/apis.ts';
import { ownScopesOf } from './clients.ts';
import { answerError, type RouteMiddleware } from './routes.ts';

type Context = KoaContextWithOIDC | undefined;

/**
 * Resource indicators (RFC 8707): one API per access token, and at each API no scope that the client is not registered
 * for. `client_credentials` must name scopes, of one API, and gets exactly those (RFC 6749 §4.4.2).
 */
export function createResourceIndicators(
  apis: ApiRegistry,
  scopesOfClient: (clientId: string) => readonly string[],
) {
  return {
    /** Without a `resource`: the APIs that own the requested scopes. Several granted ones are never chosen between. */
    async defaultResource(ctx: Context, client: Client, granted?: readonly string[]) {
      if (granted !== undefined) return granted.length === 1 ? granted[0] : [...granted];
      const kind = kindOf(ctx);
      if (kind === 'client_credentials') return ownTarget(ctx, client);
      if (kind !== 'authorization') return undefined;
      assertRegistered(ctx, client);
      const owners = ownersOf(scopesOf(ctx), apis);
      return owners.length === 0 ? undefined : owners;
    },

    async getResourceServerInfo(ctx: Context, identifier: string, client: Client): Promise<ResourceServer> {
      const kind = kindOf(ctx);
      if (kind === 'authorization') assertRegistered(ctx, client);
      const isOther = kind === 'client_credentials' && ownTarget(ctx, client) !== identifier;
      const api = apis.find(identifier);
      if (isOther || api?.identifier !== identifier) throw new errors.InvalidTarget();
      const registered = scopesOfClient(client.clientId);
      const scopes = api.scopes.filter(
        (scope) => registered.includes(scope) && !(isOfUser(kind) && apis.subjectOf(scope) === 'client'),
      );
      if (scopes.length === 0) throw new errors.InvalidTarget();
      return {
        scope: (kind === 'authorization_code' ? narrowed(ctx, scopes) : scopes).join(' '),
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
    const own = ownScopesOf(client, scopesOfClient(client.clientId));
    assertAmong(
      scopes,
      own.filter((scope) => apis.subjectOf(scope) !== 'user'),
    );
    const [owner, other] = ownersOf(scopes, apis);
    if (owner === undefined || other !== undefined) {
      throw new errors.InvalidScope(SEVERAL_APIS, scopes.join(' '));
    }
    return owner;
  }

  /** An API's scope that the client is not registered for is refused; an unknown one is ignored (OpenID Connect Core §3.1.2.1). */
  function assertRegistered(ctx: Context, client: Client): void {
    const ofApis = scopesOf(ctx).filter((scope) => apis.ownerOf(scope) !== undefined);
    assertAmong(ofApis, scopesOfClient(client.clientId));
  }
}

function assertAmong(scopes: readonly string[], registered: readonly string[]): void {
  const foreign = scopes.find((scope) => !registered.includes(scope));
  if (foreign === undefined) return;
  throw new errors.InvalidScope('the client is not registered for this scope', foreign);
}

/** A code request may ask for fewer scopes of the API; oidc-provider itself reads none there. */
function narrowed(ctx: Context, scopes: readonly string[]): readonly string[] {
  const wanted = wordsOf(ctx?.oidc.body?.['scope']);
  return wanted.length === 0 ? scopes : scopes.filter((scope) => wanted.includes(scope));
}

/** Whether the token is one of a sign-in. Such a token never has a scope that is for clients. */
function isOfUser(kind: unknown): boolean {
  return kind === 'authorization' || GRANTS_OF_A_LOGIN.includes(String(kind));
}

/** The grant of a token request, or `authorization`, pushed or not. */
function kindOf(ctx: Context): unknown {
  if (ctx?.oidc.route === 'token') return ctx.oidc.params?.['grant_type'];
  const isAuthorization =
    ctx?.oidc.route === 'authorization' || ctx?.oidc.route === 'pushed_authorization_request';
  return isAuthorization ? 'authorization' : undefined;
}

function scopesOf(ctx: Context): readonly string[] {
  return wordsOf(ctx?.oidc.params?.['scope']);
}

function wordsOf(scope: unknown): readonly string[] {
  return typeof scope === 'string' ? [...new Set(scope.split(' ').filter((value) => value !== ''))] : [];
}

function ownersOf(scopes: readonly string[], apis: ApiRegistry): string[] {
  const owners = scopes.map((scope) => apis.ownerOf(scope)?.identifier);
  return [...new Set(owners.filter((owner) => owner !== undefined))];
}

const SEVERAL_APIS = 'the scopes belong to different APIs';

const GRANTS_OF_A_LOGIN = ['authorization_code', 'refresh_token'];

/** Extension grants read their `resource` themselves. PAR has no grant. */
const OWN_GRANTS = new Set([...GRANTS_OF_A_LOGIN, 'client_credentials', undefined]);

/**
 * Prepares the form of a token or pushed authorization request, which the guard in front has read. Identifiers get their
 * registered spelling. `scope` on a code or refresh request names scopes of one API only, and that API is then the token's:
 * oidc-provider alone would give a token without an audience, or one for another `resource` without any scope.
 */
export function resolveResources(apis: ApiRegistry): RouteMiddleware {
  return async (ctx, next) => {
    const request: GuardedRequest = ctx.req;
    const values = request.form?.values;
    const grant = values?.get('grant_type')?.[0];
    if (values === undefined || !OWN_GRANTS.has(grant)) return next();
    const named = values.get('resource') ?? [];
    const resources = new Set(named.map((resource) => registeredSpelling(resource, apis)));
    if (grant !== undefined && GRANTS_OF_A_LOGIN.includes(grant)) {
      const [owner, other] = ownersOf(wordsOf(values.get('scope')?.[0]), apis);
      if (other !== undefined) return answerError(ctx, 400, 'invalid_scope', SEVERAL_APIS);
      if (owner !== undefined) resources.add(owner);
      if (owner !== undefined && resources.size > 1) {
        return answerError(ctx, 400, 'invalid_target', 'resource and scope name different APIs');
      }
    }
    if ([...resources].join(' ') !== named.join(' ')) {
      const form = new URLSearchParams();
      for (const [name, sent] of [...values, ['resource', [...resources]] as const]) {
        if (name === 'resource') form.delete(name);
        for (const value of sent) form.append(name, value);
      }
      presentBody(request, Buffer.from(form.toString()));
    }
    await next();
  };
}

/** The same for the query of an authorization request. */
export function resolveQueriedResources(apis: ApiRegistry): RouteMiddleware {
  return async (ctx, next) => {
    const named = [ctx.query['resource'] ?? []].flat();
    const resources = named.map((resource) => registeredSpelling(resource, apis));
    if (resources.join(' ') !== named.join(' ')) ctx.query = { ...ctx.query, resource: resources };
    await next();
  };
}

/** The identifier that a URI stands for. A short name is no URI and stays as it is. */
function registeredSpelling(resource: string, apis: ApiRegistry): string {
  const identifier = identifierOf(resource);
  return identifier === undefined ? resource : (apis.find(identifier)?.identifier ?? identifier);
}
