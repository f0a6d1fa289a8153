/** Codes of RFC 6750 §3.1. */
export type BearerError = 'invalid_request' | 'invalid_token' | 'insufficient_scope';

export interface BearerChallenge {
  /** Where the protected resource's metadata is (RFC 9728 §5.1). */
  readonly resourceMetadata: string;
  /** Absent when the request had no token: RFC 6750 §3.1 wants no error code then. */
  readonly error?: BearerError | undefined;
  readonly description?: string | undefined;
  /** The scopes that the request needs. */
  readonly scopes?: readonly string[] | undefined;
}

/** The value of a `WWW-Authenticate` header (RFC 6750 §3, RFC 9728 §5.1). Nothing in it can break out of its quotes. */
export function bearerChallenge(challenge: BearerChallenge): string {
  const parameters = [
    challenge.error === undefined ? undefined : parameter('error', challenge.error),
    challenge.description === undefined ? undefined : parameter('error_description', challenge.description),
    challenge.scopes === undefined || challenge.scopes.length === 0
      ? undefined
      : parameter('scope', challenge.scopes.join(' ')),
    parameter('resource_metadata', challenge.resourceMetadata),
  ];
  return `Bearer ${parameters.filter((value) => value !== undefined).join(', ')}`;
}

/** RFC 6750 §3 allows printable ASCII without `"` and `\` in each of these values; anything else is left out. */
function parameter(name: string, value: string): string {
  return `${name}="${value.replaceAll(/[^\x20\x21\x23-\x5B\x5D-\x7E]/g, '')}"`;
}

/**
 * Where the metadata of a resource is (RFC 9728 §3.1): the well-known part goes between the host and the path of its
 * identifier.
 */
export function resourceMetadataUrl(resource: string): string {
  const url = new URL(resource);
  const path = url.pathname === '/' ? '' : url.pathname;
  return `${url.origin}/.well-known/oauth-protected-resource${path}${url.search}`;
}
