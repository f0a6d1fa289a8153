/** What a resource server decides about a request, without any web framework. */

import type { AccessToken } from './access-token.ts';
import {
  authProblem,
  type AuthProblem,
  invalidTokenProblem,
  tokenCheckUnavailableProblem,
} from './auth-problem.ts';
import { TokenCheckUnavailableError } from './outgoing.ts';
import type { AccessTokenVerifier } from './verifier.ts';

/** Who calls, from a verified access token. */
export interface RequestAuth {
  readonly sub: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** The current actor (RFC 8693 §4.1), the only one to decide on; undefined when nobody acts for the subject. */
  readonly actor: string | undefined;
  /** The current actor first; the others are for information. */
  readonly actorChain: readonly string[];
  readonly issuer: string;
  readonly audience: string;
  readonly jti: string;
  /** `sid`: the login session behind the token. */
  readonly sessionId: string | undefined;
  /** Epoch seconds. */
  readonly issuedAt: number;
  /** Epoch seconds. */
  readonly expiresAt: number;
  readonly claims: AccessToken['claims'];
  /** The token itself, for exchanging it. Not enumerable, so that no log or answer takes it along by accident. */
  readonly token: string;
}

export type Authentication =
  | { readonly ok: true; readonly auth: RequestAuth }
  | { readonly ok: false; readonly problem: AuthProblem; /** For the log. */ readonly detail: string };

/**
 * Authenticates a request by its bearer token. `authorization` holds every Authorization field line.
 * Not checked: scope, actor, revocation.
 */
export async function authenticate(
  request: { readonly authorization: readonly string[]; readonly url: string },
  verifier: AccessTokenVerifier,
  resourceMetadata: string,
): Promise<Authentication> {
  const credentials = parseBearerToken(request.authorization, request.url);
  if (credentials.kind === 'none') return refused(missingToken(resourceMetadata), 'no bearer token');
  if (credentials.kind === 'malformed') {
    return refused(invalidRequest(credentials.description, resourceMetadata), credentials.description);
  }
  try {
    const verdict = await verifier.verify(credentials.token);
    if (verdict.ok) return { ok: true, auth: requestAuth(verdict.token, credentials.token) };
    return refused(invalidTokenProblem(verdict.description, resourceMetadata), verdict.detail);
  } catch (error) {
    if (!(error instanceof TokenCheckUnavailableError)) throw error;
    return refused(tokenCheckUnavailableProblem(error.retryAfterSeconds), error.message);
  }
}

/** Refuses a token without all of these scopes: 403 `insufficient_scope` (RFC 6750 §3.1). */
export function checkScopes(
  auth: RequestAuth,
  required: readonly string[],
  resourceMetadata: string,
): AuthProblem | undefined {
  if (required.every((scope) => auth.scopes.includes(scope))) return undefined;
  return authProblem('insufficient-scope', {
    status: 403,
    detail: `The access token lacks a scope: ${required.join(' ')} is required.`,
    challenge: { error: 'insufficient_scope', scopes: required, resourceMetadata },
    members: { scope: required.join(' ') },
  });
}

/** Refuses a token whose current actor is none of these; prior actors never count (RFC 8693 §4.1). */
export function checkActor(
  auth: RequestAuth,
  accepted: readonly string[],
  resourceMetadata: string,
): AuthProblem | undefined {
  if (auth.actor !== undefined && accepted.includes(auth.actor)) return undefined;
  const detail =
    auth.actor === undefined
      ? 'Nobody acts for the user in this access token; it must come from a delegation.'
      : 'The current actor of the access token may not call this.';
  return authProblem('wrong-actor', {
    status: 403,
    detail,
    challenge: { error: 'insufficient_scope', description: detail, resourceMetadata },
  });
}

/** A value that a claim must have, or a rule for it; it gets undefined when the claim is absent. */
export type ExpectedClaim = string | number | boolean | ((value: unknown, auth: RequestAuth) => boolean);

/** Refuses a token unless the claim, or the member at a path of names within it, is as expected. */
export function checkClaim(
  auth: RequestAuth,
  claim: string | readonly string[],
  expected: ExpectedClaim,
  resourceMetadata: string,
): AuthProblem | undefined {
  const path = typeof claim === 'string' ? [claim] : claim;
  const value = memberAt(auth.claims, path);
  if (typeof expected === 'function' ? expected(value, auth) : value === expected) return undefined;
  const name = path.join('.');
  const detail = `The access token does not have the claim that is required here: ${name}.`;
  return authProblem('claim-required', {
    status: 403,
    detail,
    challenge: { error: 'insufficient_scope', description: detail, resourceMetadata },
    members: { claim: name },
  });
}

function memberAt(object: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? (value as Record<string, unknown>)[name]
        : undefined,
    object,
  );
}

function requestAuth(token: AccessToken, jwt: string): RequestAuth {
  const auth = {
    sub: token.subject,
    clientId: token.clientId,
    scopes: token.scopes,
    actor: token.actorChain[0],
    actorChain: token.actorChain,
    issuer: token.issuer,
    audience: token.audience,
    jti: token.jti,
    sessionId: token.sessionId,
    issuedAt: token.issuedAt,
    expiresAt: token.expiresAt,
    claims: token.claims,
    token: jwt,
  };
  return Object.freeze(Object.defineProperty(auth, 'token', { enumerable: false }));
}

function missingToken(resourceMetadata: string): AuthProblem {
  return authProblem('missing-token', {
    status: 401,
    detail: 'An access token is needed: Authorization: Bearer …',
    challenge: { resourceMetadata },
  });
}

function invalidRequest(detail: string, resourceMetadata: string): AuthProblem {
  return authProblem('invalid-request', {
    status: 400,
    detail,
    challenge: { error: 'invalid_request', description: detail, resourceMetadata },
  });
}

function refused(problem: AuthProblem, detail: string): Authentication {
  return { ok: false, problem, detail };
}

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

export interface ProtectedResourceOptions {
  /** The API's resource identifier. */
  readonly resource: string;
  /** Identifiers of the issuers whose tokens it takes. */
  readonly authorizationServers: readonly string[];
  readonly scopes: readonly string[];
  /** For people. */
  readonly name?: string | undefined;
  readonly documentation?: string | undefined;
}

/**
 * The metadata document of a protected resource (RFC 9728 §2). It says only what is so: bearer tokens, in the header. A
 * list of nothing is left out (§3.2).
 */
export function protectedResourceDocument(
  options: ProtectedResourceOptions,
): Readonly<Record<string, unknown>> {
  const { authorizationServers, scopes } = options;
  return {
    resource: options.resource,
    ...(authorizationServers.length === 0 ? {} : { authorization_servers: authorizationServers }),
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    ...(options.name === undefined ? {} : { resource_name: options.name }),
    ...(options.documentation === undefined ? {} : { resource_documentation: options.documentation }),
  };
}
