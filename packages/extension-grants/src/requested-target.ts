import type { ApiDirectory } from './contract.ts';

export interface RequestedTargetOptions {
  readonly targets: Pick<ApiDirectory, 'resolve' | 'ownerOf'>;
  /** API scopes that the client is registered for. */
  readonly clientScopes: readonly string[];
  /** The `scope` parameter, space-delimited (RFC 6749 §3.3). */
  readonly scope: string | undefined;
  /** RFC 8693 §2.1; may repeat. */
  readonly audience?: string | readonly string[] | undefined;
  /** RFC 8707 §2; may repeat. */
  readonly resource?: string | readonly string[] | undefined;
  /** Scopes that belong to no API (`openid`, …): passed over here. Default none. */
  readonly otherScopes?: ReadonlySet<string> | undefined;
}

export type RequestedTarget =
  | {
      readonly ok: true;
      /** API scopes, each once, in the order of the request; empty when none were asked for. */
      readonly scopes: readonly string[];
      /** Resource identifier of the one API; undefined when the request names none. */
      readonly target: string | undefined;
    }
  | {
      readonly ok: false;
      readonly error: 'invalid_scope' | 'invalid_target';
      readonly description: string;
    };

/**
 * Reads which API a token request is for. The scopes must exist, belong to one API and be registered for the client
 * (`invalid_scope`); `audience` and `resource`, as short name or resource identifier, must name one API, and the one of
 * the scopes (`invalid_target`). An empty parameter counts as absent (RFC 6749 §3.1).
 *
 * Not checked: whether the client may have them from this grant; that is the grant's policy.
 */
export function resolveRequestedTarget(options: RequestedTargetOptions): RequestedTarget {
  const { targets, clientScopes, otherScopes } = options;
  const requested = new Set(split(options.scope));
  const scopes = [...requested].filter((scope) => otherScopes?.has(scope) !== true);

  const owners = new Set(scopes.map((scope) => targets.ownerOf(scope)));
  if (owners.has(undefined)) return refused('invalid_scope', 'a requested scope does not exist');
  if (owners.size > 1) return refused('invalid_scope', 'the requested scopes belong to different APIs');
  if (!scopes.every((scope) => clientScopes.includes(scope))) {
    return refused('invalid_scope', 'the client is not registered for a requested scope');
  }

  const named = new Set(
    [...list(options.audience), ...list(options.resource)].map((name) => targets.resolve(name)),
  );
  if (named.has(undefined)) return refused('invalid_target', 'the requested target is unknown');
  if (named.size > 1) return refused('invalid_target', 'the request names different targets');

  const [owner] = owners;
  const [target = owner] = named;
  if (owner !== undefined && owner !== target) {
    return refused('invalid_target', 'the requested scopes belong to another target');
  }
  return { ok: true, scopes, target };
}

function split(scope: string | undefined): string[] {
  return (scope ?? '').split(' ').filter((value) => value !== '');
}

function list(parameter: string | readonly string[] | undefined): string[] {
  return [parameter ?? []].flat().filter((value) => value !== '');
}

function refused(error: 'invalid_scope' | 'invalid_target', description: string): RequestedTarget {
  return { ok: false, error, description };
}
