/** How a bearer token arrives: in the Authorization header and nowhere else (RFC 6750 §2.1, RFC 9700 §4.3.2). */

export type BearerCredentials =
  | { readonly kind: 'token'; readonly token: string }
  /** No credentials, or those of another scheme: the caller is told what is wanted, without an error code (RFC 6750 §3.1). */
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed'; readonly description: string };

const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;
const SCHEME = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +.*)?$/s;

/**
 * Reads the token of a request. `authorization` holds every Authorization field line as it came; `url` is the request
 * target, looked at only to refuse a request that sends a token in its query besides (RFC 6750 §3.1: more than one
 * method). A token in the query alone is not credentials.
 *
 * Not checked: anything about the token itself. The body is not looked at.
 */
export function parseBearerToken(authorization: readonly string[], url: string): BearerCredentials {
  const [header, ...more] = authorization;
  if (header === undefined) return { kind: 'none' };
  if (more.length > 0) return malformed('more than one Authorization header');
  const scheme = SCHEME.exec(header)?.[1];
  if (scheme === undefined) return malformed('the Authorization header is malformed');
  if (scheme.toLowerCase() !== 'bearer') return { kind: 'none' };
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) return malformed('the bearer token is malformed');
  if (hasQueryToken(url)) return malformed('the token was sent in more than one way');
  return { kind: 'token', token };
}

function hasQueryToken(url: string): boolean {
  const start = url.indexOf('?');
  return start !== -1 && new URLSearchParams(url.slice(start)).has('access_token');
}

function malformed(description: string): BearerCredentials {
  return { kind: 'malformed', description };
}
