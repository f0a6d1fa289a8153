/** A refusal as a value. `description` may go on the wire; `detail` is for the log and the ledger. */
export interface Refusal<Detail extends string = string> {
  readonly ok: false;
  readonly detail: Detail;
  readonly description: string;
}

export function refuse<const Detail extends string>(detail: Detail, description: string): Refusal<Detail> {
  return { ok: false, detail, description };
}

const TYPE_BASE = 'https://behalf.example/problems/';

/** Every refusal of a request, with the error code of its challenge (RFC 6750 §3.1, RFC 9470 §3) if it has one. */
const PROBLEMS = {
  'missing-token': { status: 401, title: 'No access token' },
  'invalid-token': { status: 401, title: 'Invalid access token', error: 'invalid_token' },
  'invalid-request': { status: 400, title: 'Malformed credentials', error: 'invalid_request' },
  'insufficient-scope': { status: 403, title: 'Insufficient scope', error: 'insufficient_scope' },
  'wrong-actor': { status: 403, title: 'Wrong actor', error: 'insufficient_scope' },
  'wrong-subject': { status: 403, title: 'Wrong kind of subject', error: 'insufficient_scope' },
  'claim-required': { status: 403, title: 'A required claim is missing', error: 'insufficient_scope' },
  'recent-authentication-required': {
    status: 401,
    title: 'A recent sign-in is required',
    error: 'insufficient_user_authentication',
  },
  'delegation-refused': { status: 403, title: 'Delegation refused', error: 'insufficient_scope' },
  'delegation-failed': { status: 502, title: 'Delegation failed' },
  'delegation-unavailable': { status: 503, title: 'Delegation is unavailable now' },
  'token-check-unavailable': { status: 503, title: 'The token cannot be checked now' },
  'not-protected': { status: 500, title: 'This service is not set up correctly' },
} as const satisfies Record<string, { status: number; title: string; error?: BearerError }>;

export type AuthProblemType = keyof typeof PROBLEMS;

/** An answer that refuses a request: status, headers and an RFC 9457 body, ready to send as `application/problem+json`. */
export interface AuthProblem {
  readonly type: AuthProblemType;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface AuthProblemParts {
  /** The scopes that the request needs. */
  readonly scopes?: readonly string[] | undefined;
  readonly maxAgeSeconds?: number | undefined;
  readonly acrValues?: string | undefined;
  readonly retryAfterSeconds?: number;
  /** Further members of the body (RFC 9457 §3.2). */
  readonly members?: Readonly<Record<string, unknown>>;
}

/**
 * Builds the answer, which no cache may store. `detail` goes on the wire. With `resourceMetadata`, the address of the API's
 * metadata, the answer carries a challenge.
 */
export function authProblem(
  type: AuthProblemType,
  detail: string,
  resourceMetadata?: string,
  { scopes, maxAgeSeconds, acrValues, retryAfterSeconds, members }: AuthProblemParts = {},
): AuthProblem {
  const { status, title, error }: { status: number; title: string; error?: BearerError } = PROBLEMS[type];
  const headers: Record<string, string> = { 'Cache-Control': 'no-store' };
  if (resourceMetadata !== undefined) {
    const description = error === undefined || scopes !== undefined ? undefined : detail;
    const challenge = { error, description, scopes, maxAgeSeconds, acrValues, resourceMetadata };
    headers['WWW-Authenticate'] = bearerChallenge(challenge);
  }
  if (retryAfterSeconds !== undefined) headers['Retry-After'] = String(Math.ceil(retryAfterSeconds));
  return { type, status, headers, body: { ...members, type: TYPE_BASE + type, title, status, detail } };
}

/** The answer while the keys or the issuer cannot be asked: 503, never a decision about the token. */
export function tokenCheckUnavailable(retryAfterSeconds: number): AuthProblem {
  const detail = 'The access token cannot be checked at the moment. Try again later.';
  return authProblem('token-check-unavailable', detail, undefined, { retryAfterSeconds });
}

/** Codes of RFC 6750 §3.1 and RFC 9470 §3. */
export type BearerError =
  'invalid_request' | 'invalid_token' | 'insufficient_scope' | 'insufficient_user_authentication';

export interface BearerChallenge {
  /** Where the protected resource's metadata is (RFC 9728 §5.1). */
  readonly resourceMetadata: string;
  /** Absent when the request had no token (RFC 6750 §3.1). */
  readonly error?: BearerError | undefined;
  readonly description?: string | undefined;
  /** The scopes that the request needs. */
  readonly scopes?: readonly string[] | undefined;
  /** The greatest age of the sign-in that the request needs (RFC 9470 §3). */
  readonly maxAgeSeconds?: number | undefined;
  /** How the sign-in must be made (RFC 9470 §3). */
  readonly acrValues?: string | undefined;
}

/** The value of a `WWW-Authenticate` header (RFC 6750 §3, RFC 9728 §5.1). No value can end its quotes early. */
export function bearerChallenge(challenge: BearerChallenge): string {
  const { error, description, scopes = [], maxAgeSeconds, acrValues, resourceMetadata } = challenge;
  const parameters = {
    error,
    error_description: description,
    scope: scopes.length === 0 ? undefined : scopes.join(' '),
    acr_values: acrValues,
    max_age: maxAgeSeconds,
    resource_metadata: resourceMetadata,
  };
  const written = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return `Bearer ${written.map(([name, value]) => `${name}="${printable(String(value))}"`).join(', ')}`;
}

/** RFC 6750 §3 allows printable ASCII without `"` and `\` in each of these values. Other characters are left out. */
function printable(value: string): string {
  return value.replaceAll(/[^\x20\x21\x23-\x5B\x5D-\x7E]/g, '');
}
