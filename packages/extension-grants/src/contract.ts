/** The parts of a grant. Nothing in this file knows oidc-provider. */
import type { AccessToken } from '@behalf/auth';

/** An extension grant (RFC 6749 §4.5): the whole of what a new grant has to implement. */
export interface ExtensionGrantValidator {
  /** The `grant_type` value, without spaces: a plain name or an absolute URI. */
  readonly grantType: string;
  /**
   * Decides on one token request. The client is authenticated and allowed to use this grant; its scopes exist, belong to
   * one API, are registered for it and agree with the target.
   *
   * An expected refusal is returned (`refuse`). What is thrown becomes a 500 `server_error` whose details stay in the
   * log; returning nothing refuses with `invalid_grant`.
   */
  validate(request: ExtensionGrantRequest): Promise<GrantResult>;
}

export interface ExtensionGrantRequest {
  readonly grantType: string;
  /** Every form parameter by name, also those that no one declared, save client credentials. Repeated ones are arrays; empty ones are absent. */
  readonly raw: Readonly<Record<string, string | readonly string[]>>;
  readonly client: GrantClient;
  /** The requested scopes, checked as above. Empty: none were asked for. */
  readonly scopes: readonly string[];
  /** Resource identifier of the API that `audience`, `resource` and `scope` agree on; undefined when none of them names one. */
  readonly target: string | undefined;
  /** The `audience` parameter (RFC 8693 §2.1) as sent: a short name or a resource identifier. */
  readonly audience: string | undefined;
  /** The `resource` parameter (RFC 8707) as sent. */
  readonly resource: string | undefined;
  /** JWK thumbprint (RFC 7638) of a valid DPoP proof that came with the request. The token will be bound to it. */
  readonly dpopThumbprint: string | undefined;
  /** Epoch seconds. */
  readonly now: number;
}

export interface GrantClient {
  readonly id: string;
  /** The API scopes that the client is registered for. */
  readonly scopes: readonly string[];
}

/**
 * The token that a request exchanges, after validation: genuine, and active with its user. Whatever is issued from it
 * keeps its subject, its login, its actor chain and its end: `issue` sees to that, not the validator.
 */
export interface SubjectToken extends Omit<AccessToken, 'clientId' | 'issuedAt'> {
  /** `access_token`: one of our own. `external`: a JWT of a trusted issuer, its subject already mapped to a user of ours. */
  readonly kind: 'access_token' | 'external';
  readonly clientId: string | undefined;
}

export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** Codes a validator may refuse with, and their statuses: RFC 6749 §5.2, RFC 8693 §2.2.2, RFC 8707 §2, RFC 9449 §5. */
export const GRANT_ERROR_STATUS = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  invalid_scope: 400,
  invalid_target: 400,
  invalid_dpop_proof: 400,
  temporarily_unavailable: 503,
} as const;

export type GrantError = keyof typeof GRANT_ERROR_STATUS;

/** A token for a user. */
export interface SubjectGrant {
  readonly kind: 'subject';
  readonly subject: string;
  /** The token this one is derived from. With it the subject must be that token's. */
  readonly subjectToken: SubjectToken | undefined;
  /** Who acts for the subject: the new `act` is this actor with the `act` of that token nested in it. Always set together with `subjectToken`. */
  readonly actor: string | undefined;
  /** How the user was authenticated, as `amr`. With a subject token the original login's `amr` stands and this is not used. */
  readonly authenticationMethod: string | undefined;
  readonly scopes: readonly string[] | undefined;
  readonly target: string | undefined;
  readonly claims: Readonly<Record<string, JsonValue>>;
  readonly lifetimeSeconds: number | undefined;
  readonly response: Readonly<Record<string, JsonValue>>;
  /** RFC 8693 §2.2.1; that grant alone sets it. */
  readonly issuedTokenType: string | undefined;
}

/** A token for the client itself. */
export interface ClientGrant {
  readonly kind: 'client';
  readonly scopes: readonly string[] | undefined;
  readonly target: string | undefined;
  readonly claims: Readonly<Record<string, JsonValue>>;
  readonly lifetimeSeconds: number | undefined;
  readonly response: Readonly<Record<string, JsonValue>>;
  readonly issuedTokenType: string | undefined;
}

export interface Refusal {
  readonly kind: 'refusal';
  readonly error: GrantError;
  /** Goes on the wire as `error_description`: printable ASCII without `"` and `\` (RFC 6749 §5.2), nothing an attacker can use. */
  readonly description: string;
  /** Goes on the wire as `reason`: what the client must know in order to act on it, nothing finer. */
  readonly reason: string | undefined;
  /** For log and ledger alone. */
  readonly detail: string | undefined;
  /** The subject token, once its signature has been checked; for the ledger. */
  readonly subjectToken: SubjectToken | undefined;
  /** Seconds for a `Retry-After` header. */
  readonly retryAfterSeconds: number | undefined;
  readonly response: Readonly<Record<string, JsonValue>>;
}

export type GrantResult = SubjectGrant | ClientGrant | Refusal;

/** The APIs that tokens can be for, and what they are called. Every lookup is synchronous: it reads configuration. */
export interface ApiDirectory {
  /** The resource identifier for a short name or a resource identifier; undefined when it names no API. */
  resolve(nameOrIdentifier: string): string | undefined;
  /** The resource identifier of the one API that owns a scope; undefined for an unknown scope. */
  ownerOf(scope: string): string | undefined;
  /** API scopes that a client is registered for. */
  scopesOf(clientId: string): readonly string[];
}

/** A refusal after client authentication, for a ledger. It is awaited before the answer is sent. */
export interface RefusedRequest {
  readonly grantType: string;
  readonly clientId: string;
  readonly error: string;
  readonly reason: string | undefined;
  readonly detail: string | undefined;
  readonly subjectToken: SubjectToken | undefined;
  readonly scopes: readonly string[];
  readonly target: string | undefined;
  readonly now: number;
}

/** How a token came to be; `issuanceOf(token)` gives it for a token that an extension grant or the token tools issued. */
export interface Issuance {
  readonly grantType: string;
  readonly subjectToken: SubjectToken | undefined;
  readonly actorChain: readonly string[];
}
