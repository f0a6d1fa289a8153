import type { ClientGrant, GrantError, JsonValue, Refusal, SubjectGrant, SubjectToken } from './contract.ts';

/**
 * Claims that the server itself states in a token (RFC 7519 §4.1, RFC 8693 §4, RFC 9068 §2.2, RFC 7800, OpenID Connect
 * Core §2) or in an introspection answer (RFC 7662 §2.2). A grant cannot state them.
 */
// prettier-ignore
export const PROTOCOL_CLAIMS: ReadonlySet<string> = new Set([
  'iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti',
  'client_id', 'scope', 'cnf', 'act', 'may_act', 'authorization_details',
  'sid', 'auth_time', 'amr', 'acr', 'azp', 'nonce', 'at_hash', 'c_hash', 's_hash', 'events',
  'active', 'token_type', 'username',
]);

/** Throws when there is a protocol claim among a grant's own: that is a programming error, never dropped silently. */
export function assertNoProtocolClaims(claims: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(claims)) {
    if (PROTOCOL_CLAIMS.has(name)) throw new TypeError(`protocol claims cannot be set by a grant: ${name}`);
  }
}

/** Members that the server itself writes into a token response or an error (RFC 6749 §5, RFC 8693 §2.2.1). */
// prettier-ignore
const RESPONSE_MEMBERS: ReadonlySet<string> = new Set([
  'access_token', 'token_type', 'expires_in', 'refresh_token', 'scope', 'id_token', 'issued_token_type',
  'authorization_details', 'error', 'error_description', 'error_uri', 'reason', 'state',
]);

/** Throws when a grant's own response members would replace one of the server's. */
export function assertNoProtocolMembers(response: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(response)) {
    if (RESPONSE_MEMBERS.has(name)) throw new TypeError(`response members cannot be set by a grant: ${name}`);
  }
}

interface CommonOptions {
  /** Scopes of the new token. Default: those requested. */
  scopes?: readonly string[];
  /** Resource identifier of the API the new token is for. Default: the request's target. */
  target?: string;
  /** Further claims of the new token. A protocol claim here is a programming error and throws. */
  claims?: Readonly<Record<string, JsonValue>>;
  /** At most; the subject token's end and the server's limit shorten it. */
  lifetimeSeconds?: number;
  /** Further members of the token response. */
  response?: Readonly<Record<string, JsonValue>>;
  issuedTokenType?: string;
}

export interface DerivedGrantOptions extends CommonOptions {
  subjectToken: SubjectToken;
  /** Must be that of the subject token. */
  subject: string;
  /** The client that acts. */
  actor: string;
  authenticationMethod?: string;
}

export interface FreshGrantOptions extends CommonOptions {
  subject: string;
  subjectToken?: undefined;
  actor?: undefined;
  authenticationMethod: string;
}

/**
 * Grants a token for a user: derived from a subject token (delegation), or fresh, when the validator has itself
 * established who the user is.
 */
export function grantSubject(options: DerivedGrantOptions | FreshGrantOptions): SubjectGrant {
  return {
    kind: 'subject',
    subject: options.subject,
    subjectToken: options.subjectToken,
    actor: options.actor,
    authenticationMethod: options.authenticationMethod,
    ...common(options),
  };
}

/** Grants a token for the client itself, without a user. */
export function grantClient(options: CommonOptions = {}): ClientGrant {
  return { kind: 'client', ...common(options) };
}

export interface RefusalOptions {
  reason?: string;
  detail?: string;
  subjectToken?: SubjectToken;
  retryAfterSeconds?: number;
  response?: Readonly<Record<string, JsonValue>>;
}

/** Refuses the request. See `Refusal` for what each part is for and where it goes. */
export function refuse(error: GrantError, description: string, options: RefusalOptions = {}): Refusal {
  assertNoProtocolMembers(options.response ?? {});
  return {
    kind: 'refusal',
    error,
    description,
    reason: options.reason,
    detail: options.detail,
    subjectToken: options.subjectToken,
    retryAfterSeconds: options.retryAfterSeconds,
    response: options.response ?? {},
  };
}

function common(options: CommonOptions) {
  assertNoProtocolClaims(options.claims ?? {});
  assertNoProtocolMembers(options.response ?? {});
  return {
    scopes: options.scopes,
    target: options.target,
    claims: options.claims ?? {},
    lifetimeSeconds: options.lifetimeSeconds,
    response: options.response ?? {},
    issuedTokenType: options.issuedTokenType,
  };
}
