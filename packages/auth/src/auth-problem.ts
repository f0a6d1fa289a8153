const TYPE_BASE = 'https://behalf.example/problems/';

const TITLES = {
  'missing-token': 'No access token',
  'invalid-token': 'Invalid access token',
  'invalid-request': 'Malformed credentials',
  'insufficient-scope': 'Insufficient scope',
  'wrong-actor': 'Wrong actor',
  'claim-required': 'A required claim is missing',
  'delegation-refused': 'Delegation refused',
  'delegation-failed': 'Delegation failed',
  'token-check-unavailable': 'The token cannot be checked now',
  'delegation-unavailable': 'Delegation is unavailable now',
} as const;

export type AuthProblemType = keyof typeof TITLES;

/** An answer that refuses a request: status, headers and an RFC 9457 body, ready to send as `application/problem+json`. */
export interface AuthProblem {
  readonly type: AuthProblemType;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface AuthProblemOptions {
  readonly status: number;
  /** About this occurrence. Goes on the wire. */
  readonly detail: string;
  /** Becomes the `WWW-Authenticate` header. */
  readonly challenge?: BearerChallenge;
  readonly retryAfterSeconds?: number;
  /** Further members of the body (RFC 9457 §3.2). */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** Builds the answer. It is never to be stored by a cache. */
export function authProblem(type: AuthProblemType, options: AuthProblemOptions): AuthProblem {
  const { status, detail, challenge, retryAfterSeconds, members } = options;
  return {
    type,
    status,
    headers: {
      'Cache-Control': 'no-store',
      ...(challenge === undefined ? {} : { 'WWW-Authenticate': bearerChallenge(challenge) }),
      ...(retryAfterSeconds === undefined ? {} : { 'Retry-After': String(Math.ceil(retryAfterSeconds)) }),
    },
    body: { ...members, type: TYPE_BASE + type, title: TITLES[type], status, detail },
  };
}

/** A bad token: 401 `invalid_token` (RFC 6750 §3.1). */
export function invalidTokenProblem(
  detail: string,
  resourceMetadata: string,
  members?: Readonly<Record<string, unknown>>,
): AuthProblem {
  return authProblem('invalid-token', {
    status: 401,
    detail,
    challenge: { error: 'invalid_token', description: detail, resourceMetadata },
    ...(members === undefined ? {} : { members }),
  });
}

/** What is needed to check the token cannot be reached: 503, never a verdict about the token. */
export function tokenCheckUnavailableProblem(retryAfterSeconds: number): AuthProblem {
  return authProblem('token-check-unavailable', {
    status: 503,
    detail: 'The access token cannot be checked at the moment. Try again later.',
    retryAfterSeconds,
  });
}

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
