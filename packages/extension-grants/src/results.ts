import { assertNoProtocolClaims, assertNoProtocolMembers } from './protocol-claims.ts';
import type { ClientGrant, GrantError, JsonValue, Refusal, SubjectGrant, SubjectToken } from './contract.ts';

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
  from: SubjectToken;
  /** Must be the one of `from`. */
  subject: string;
  /** The client that acts. */
  actor: string;
  authenticationMethod?: string;
}

export interface FreshGrantOptions extends CommonOptions {
  subject: string;
  from?: undefined;
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
    from: options.from,
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
  cause?: string;
  from?: SubjectToken;
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
    cause: options.cause,
    from: options.from,
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
