import { isPlainHttpElsewhere } from '@behalf/auth';
import type { ApiRegistry } from './apis.ts';
import { type ClientRegistration, GRANT_TYPES, isUnregisteredClient, OPENID_SCOPES } from './clients.ts';

/** Grants that a client without a secret may use; any other needs to know which client it is (RFC 6749 §4.4, RFC 8693 §2). */
const PUBLIC_GRANTS = ['authorization_code', 'refresh_token'];

/**
 * Everything about a client that could never work, or never safely, in words for operators; empty when all is well.
 * `permitsPlainHttp`: codes may travel over plain http to another machine, in development alone. Not checked: whether
 * something answers at its addresses, and whether its id is a user's `sub`, which the database knows.
 */
export function registrationFaults(
  client: ClientRegistration,
  { apis, permitsPlainHttp }: { readonly apis: ApiRegistry; readonly permitsPlainHttp: boolean },
): readonly string[] {
  return [
    ...idFaults(client),
    ...grantFaults(client),
    ...scopeFaults(client, apis),
    ...subjectFaults(client, apis),
    ...keyFaults(client),
    ...uriFaults(client, permitsPlainHttp),
  ];
}

/** RFC 6749 appendix A.1, without spaces, which no command line and no log line would show. */
export function idFaults({ id }: Pick<ClientRegistration, 'id'>): readonly string[] {
  if (isUnregisteredClient(id)) return [`the client id ${id} is reserved`];
  return /^[\x21-\x7e]{1,100}$/.test(id)
    ? []
    : ['a client id is 1 to 100 printable characters without spaces'];
}

function grantFaults({ metadata }: ClientRegistration): readonly string[] {
  const grants = listOf(metadata['grant_types']);
  const isPublic = metadata['token_endpoint_auth_method'] === 'none';
  const faults = grants
    .filter((grant) => !GRANT_TYPES.includes(grant))
    .map((grant) => `there is no grant ${grant}: ${GRANT_TYPES.join(', ')}`);
  const confidential = grants.find((grant) => GRANT_TYPES.includes(grant) && !PUBLIC_GRANTS.includes(grant));
  if (isPublic && confidential !== undefined) faults.push(`${confidential} is not for a public client`);
  if (grants.includes('refresh_token') && !grants.includes('authorization_code')) {
    faults.push('refresh_token comes with authorization_code alone');
  }
  if (grants.includes('authorization_code') && listOf(metadata['redirect_uris']).length === 0) {
    faults.push('authorization_code needs a redirect URI');
  }
  return faults;
}

function scopeFaults({ scopes, metadata }: ClientRegistration, apis: ApiRegistry): readonly string[] {
  const known: readonly string[] = OPENID_SCOPES;
  const openid = typeof metadata['scope'] === 'string' ? metadata['scope'].split(' ') : [];
  return [
    ...scopes
      .filter((scope) => apis.ownerOf(scope) === undefined)
      .map((scope) => `no API owns the scope ${scope}`),
    ...openid
      .filter((scope) => !known.includes(scope))
      .map((scope) => `${scope} is no scope of OpenID Connect: ${known.join(', ')}`),
  ];
}

/** A client's own token never has a user's scope, and a user's token never a client's (RFC 9700 §4.15). */
export function subjectFaults(
  { scopes, metadata }: ClientRegistration,
  apis: ApiRegistry,
): readonly string[] {
  const grants = listOf(metadata['grant_types']);
  const own = metadata['client_credentials_scope'];
  const ownScopes = typeof own === 'string' ? own.split(' ') : scopes;
  const isForUsersAlone = grants.every((grant) => PUBLIC_GRANTS.includes(grant));
  return [
    ...(grants.includes('client_credentials') ? ownScopes : [])
      .filter((scope) => apis.subjectOf(scope) === 'user')
      .map((scope) => `the scope ${scope} is for users, not for a client's own tokens`),
    ...(isForUsersAlone ? scopes : [])
      .filter((scope) => apis.subjectOf(scope) === 'client')
      .map((scope) => `the scope ${scope} is for clients' own tokens, not for users`),
  ];
}

/** RFC 7523 §2.2: the keys are in the registration or at an https address. */
function keyFaults({ metadata }: ClientRegistration): readonly string[] {
  if (metadata['token_endpoint_auth_method'] !== 'private_key_jwt') return [];
  const { jwks, jwks_uri: uri } = metadata;
  if ((jwks === undefined) === (uri === undefined))
    return ['private_key_jwt needs a JWKS or its address, not both'];
  if (uri !== undefined) {
    return typeof uri === 'string' && URL.parse(uri)?.protocol === 'https:'
      ? []
      : ['the address of a JWKS is https'];
  }
  const { keys } = jwks as { readonly keys?: readonly Readonly<Record<string, unknown>>[] };
  if (!Array.isArray(keys) || keys.length === 0) return ['the JWKS has no keys'];
  return keys.flatMap(({ kty, crv, d }: Readonly<Record<string, unknown>>) => {
    if (d !== undefined) return ['the JWKS has a private key'];
    return kty === 'EC' && crv === 'P-256' ? [] : ['a key of the JWKS is not for ES256'];
  });
}

function uriFaults({ metadata }: ClientRegistration, permitsPlainHttp: boolean): readonly string[] {
  const redirects = [...listOf(metadata['redirect_uris']), ...listOf(metadata['post_logout_redirect_uris'])];
  const logout = metadata['backchannel_logout_uri'];
  return [
    ...redirects.map(
      (uri) =>
        webUriFault(uri) ??
        // RFC 9700 §2.6, RFC 8252 §7.3.
        (isPlainHttpElsewhere(uri) && !permitsPlainHttp
          ? `${uri} is plain http: codes would travel in the open`
          : undefined),
    ),
    // Back-Channel Logout 1.0 §2.2 leaves plain http to networks that are the operator's own.
    typeof logout === 'string' ? webUriFault(logout) : undefined,
  ].filter((fault) => fault !== undefined);
}

/** An absolute address that a browser can be sent to, without a fragment (RFC 6749 §3.1.2). */
function webUriFault(uri: string): string | undefined {
  const url = URL.parse(uri);
  if (url === null) return `${uri} is no absolute URI`;
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `${uri} is neither https nor http`;
  return uri.includes('#') ? `${uri} has a fragment` : undefined;
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}
