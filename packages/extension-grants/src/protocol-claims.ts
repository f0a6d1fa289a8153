/**
 * Claims that the server itself states in a token (RFC 7519 §4.1, RFC 8693 §4, RFC 9068 §2.2, RFC 7800, OpenID Connect
 * Core §2) or in an introspection answer (RFC 7662 §2.2). A grant cannot state them.
 */
export const PROTOCOL_CLAIMS: ReadonlySet<string> = new Set([
  'iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti',
  'client_id', 'scope', 'cnf', 'act', 'may_act', 'authorization_details',
  'sid', 'auth_time', 'amr', 'acr', 'azp', 'nonce', 'at_hash', 'c_hash', 's_hash', 'events',
  'active', 'token_type', 'username',
]); // prettier-ignore

/** Throws when there is a protocol claim among a grant's own: that is a programming error, never dropped silently. */
export function assertNoProtocolClaims(claims: Readonly<Record<string, unknown>>): void {
  const own = Object.keys(claims).filter((name) => PROTOCOL_CLAIMS.has(name));
  if (own.length > 0) throw new TypeError(`protocol claims cannot be set by a grant: ${own.join(', ')}`);
}

/** Members that the server itself writes into a token response or an error (RFC 6749 §5, RFC 8693 §2.2.1). */
const RESPONSE_MEMBERS: ReadonlySet<string> = new Set([
  'access_token', 'token_type', 'expires_in', 'refresh_token', 'scope', 'id_token', 'issued_token_type',
  'authorization_details', 'error', 'error_description', 'error_uri', 'reason', 'state',
]); // prettier-ignore

/** Throws when a grant's own response members would replace one of the server's. */
export function assertNoProtocolMembers(response: Readonly<Record<string, unknown>>): void {
  const own = Object.keys(response).filter((name) => RESPONSE_MEMBERS.has(name));
  if (own.length > 0) throw new TypeError(`response members cannot be set by a grant: ${own.join(', ')}`);
}
