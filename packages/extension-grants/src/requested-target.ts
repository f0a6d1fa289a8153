import type { ApiDirectory, Refusal } from './contract.ts';
import { refuse } from './results.ts';

export interface RequestedTargetOptions {
  readonly apis: Pick<ApiDirectory, 'resolve' | 'ownerOf'>;
  /** API scopes that the client is registered for. */
  readonly clientScopes: readonly string[];
  /** The `scope` parameter, space-delimited (RFC 6749 §3.3). */
  readonly scope: string | undefined;
  /** RFC 8693 §2.1: a short name or a resource identifier. May repeat. */
  readonly audience?: string | readonly string[] | undefined;
  /** RFC 8707 §2: an absolute URI. May repeat. */
  readonly resource?: string | readonly string[] | undefined;
}

export type RequestedTarget =
  | {
      readonly ok: true;
      /** API scopes, each once, in the order of the request; empty when the request names none. */
      readonly scopes: readonly string[];
      /** Resource identifier of the one API; undefined when the request names none. */
      readonly target: string | undefined;
    }
  | { readonly ok: false; readonly refusal: Refusal };

/** The only parameters that a request may have more than once (RFC 8693 §2.1, RFC 8707 §2). */
export const REPEATABLE_PARAMETERS = ['audience', 'resource'];

const OPENID_SCOPES: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'offline_access']);

/**
 * Reads which API a token request is for. The scopes must exist, belong to one API and be registered for the client
 * (`invalid_scope`); `audience` and `resource` must name one API, and the one of the scopes (`invalid_target`). An empty
 * parameter counts as absent (RFC 6749 §3.1).
 *
 * Not checked: whether the client may have them from this grant; that is the grant's policy.
 */
export function resolveRequestedTarget(options: RequestedTargetOptions): RequestedTarget {
  const { apis, clientScopes } = options;
  const scopes = [...new Set(options.scope?.split(' '))].filter((scope) => scope !== '');
  let owner: string | undefined;
  for (const scope of scopes) {
    const api = apis.ownerOf(scope);
    if (api === undefined) return refused('invalid_scope', unknownScope(scope));
    if (owner !== undefined && owner !== api) {
      return refused('invalid_scope', 'the requested scopes belong to different APIs');
    }
    owner = api;
  }
  if (!scopes.every((scope) => clientScopes.includes(scope))) {
    return refused('invalid_scope', 'the client is not registered for a requested scope');
  }

  let target = owner;
  let named: string | undefined;
  for (const name of [...valuesOf(options.audience), ...valuesOf(options.resource).map(identifierOf)]) {
    const api = name === undefined ? undefined : apis.resolve(name);
    if (api === undefined) return refused('invalid_target', 'the requested target is unknown');
    if (named !== undefined && named !== api) {
      return refused('invalid_target', 'the request names different targets');
    }
    named = api;
    target = api;
  }
  if (owner !== undefined && owner !== target) {
    return refused('invalid_target', 'the requested scopes belong to another target');
  }
  return { ok: true, scopes, target };
}

/**
 * A `resource` parameter as an identifier: an absolute URI without fragment (RFC 8707 §2), so a short name is none. The
 * empty path that URL libraries write as `/` is dropped (RFC 3986 §6.2.3); nothing else is normalised.
 */
export function identifierOf(resource: string): string | undefined {
  if (resource.includes('#') || !URL.canParse(resource)) return undefined;
  return /^[a-z][a-z\d+.-]*:\/\/[^/?#]+\/$/i.test(resource) ? resource.slice(0, -1) : resource;
}

function unknownScope(scope: string): string {
  return OPENID_SCOPES.has(scope)
    ? `${scope} is a scope of a sign-in: this grant issues tokens for APIs alone`
    : 'a requested scope does not exist';
}

function valuesOf(parameter: string | readonly string[] | undefined): string[] {
  if (parameter === undefined || parameter === '') return [];
  return typeof parameter === 'string' ? [parameter] : parameter.filter((value) => value !== '');
}

function refused(error: 'invalid_scope' | 'invalid_target', description: string): RequestedTarget {
  return { ok: false, refusal: refuse(error, description, { reason: 'policy' }) };
}
