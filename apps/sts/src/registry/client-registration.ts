import { isPlainHttpElsewhere } from '@behalf/service';
import type { RegisteredClient } from '../storage/types.ts';
import { GRANT_TYPES } from './grant-types.ts';
import type { ResourceRegistry } from './resources.ts';

/** What this server knows of OpenID Connect's scopes (Core §5.4, §11). */
export const OPENID_SCOPES = ['openid', 'profile', 'email', 'offline_access'] as const;

export interface RegistrationRules {
  readonly resources: Pick<ResourceRegistry, 'ownerOf'>;
  /** Codes may travel over plain http to another machine: in development alone. */
  readonly permitsPlainHttp: boolean;
}

type Registration = Pick<RegisteredClient, 'id' | 'scopes' | 'metadata'>;

/** Grants that a client without a secret may use; with any other it would be nobody in particular (RFC 6749 §4.4, RFC 8693 §2). */
const PUBLIC_GRANTS = ['authorization_code', 'refresh_token'];

/**
 * Everything about a client that could never work, or never safely, in words for whoever registers it; empty when all is
 * well. Not checked: whether somebody answers at its addresses, and keys.
 */
export function registrationFaults(client: Registration, rules: RegistrationRules): readonly string[] {
  return [
    ...idFaults(client),
    ...grantFaults(client),
    ...scopeFaults(client, rules),
    ...uriFaults(client, rules),
  ];
}

/** RFC 6749 appendix A.1, without spaces, which no command line and no log line would show. */
function idFaults({ id }: Registration): readonly string[] {
  return /^[\x21-\x7e]{1,100}$/.test(id)
    ? []
    : ['a client id is 1 to 100 printable characters without spaces'];
}

function grantFaults({ metadata }: Registration): readonly string[] {
  const grants = listOf(metadata['grant_types']);
  const isPublic = metadata['token_endpoint_auth_method'] === 'none';
  const faults = grants
    .filter((grant) => !GRANT_TYPES.includes(grant))
    .map((grant) => `there is no grant ${grant}: ${GRANT_TYPES.join(', ')}`);
  const secret = grants.find((grant) => GRANT_TYPES.includes(grant) && !PUBLIC_GRANTS.includes(grant));
  if (isPublic && secret !== undefined) faults.push(`${secret} is not for a public client`);
  if (grants.includes('refresh_token') && !grants.includes('authorization_code')) {
    faults.push('refresh_token comes with authorization_code alone');
  }
  if (grants.includes('authorization_code') && listOf(metadata['redirect_uris']).length === 0) {
    faults.push('authorization_code needs a redirect URI');
  }
  return faults;
}

function scopeFaults(
  { scopes, metadata }: Registration,
  { resources }: RegistrationRules,
): readonly string[] {
  const known: readonly string[] = OPENID_SCOPES;
  const openid = typeof metadata['scope'] === 'string' ? metadata['scope'].split(' ') : [];
  return [
    ...scopes
      .filter((scope) => resources.ownerOf(scope) === undefined)
      .map((scope) => `no API owns the scope ${scope}`),
    ...openid
      .filter((scope) => !known.includes(scope))
      .map((scope) => `${scope} is no scope of OpenID Connect: ${known.join(', ')}`),
  ];
}

function uriFaults({ metadata }: Registration, { permitsPlainHttp }: RegistrationRules): readonly string[] {
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
