/** The decisions of a resource server about a request, without any web framework. */

import type { AccessToken } from './access-token.ts';
import { assertOptions, CLOCK_TOLERANCE_SECONDS, isObject } from './options.ts';
import { TokenCheckUnavailableError } from './outgoing.ts';
import { authProblem, type AuthProblem, tokenCheckUnavailable } from './refusal.ts';
import type { AccessTokenVerifier, VerifiedBearerToken } from './verifier.ts';

/** The caller of a request, from a verified access token. Requests with the same token share it, and it is frozen. */
export interface RequestAuth {
  readonly sub: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** The current actor (RFC 8693 §4.1), the only one to decide on; undefined when no actor acts for the subject. */
  readonly actor: string | undefined;
  /** The current actor first; the others are for information. */
  readonly actorChain: readonly string[];
  readonly issuer: string;
  readonly audience: string;
  readonly jti: string;
  /** `sid`: the login session that the token hangs from. */
  readonly sessionId: string | undefined;
  /** Epoch seconds of the user's sign-in. */
  readonly authTime: number | undefined;
  /** Epoch seconds. */
  readonly issuedAt: number;
  /** Epoch seconds. */
  readonly expiresAt: number;
  readonly claims: AccessToken['claims'];
  /** The token itself, for exchanging it. Not enumerable, so that no log or answer takes it along by accident. */
  readonly token: string;
  /** See digestOf. Not enumerable. */
  readonly tokenDigest: string;
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
  verifier: Pick<AccessTokenVerifier, 'verify'>,
  resourceMetadata: string,
): Promise<Authentication> {
  const credentials = parseBearerToken(request.authorization, request.url);
  if (credentials.kind === 'none') {
    const problem = authProblem('missing-token', 'An access token is needed: Authorization: Bearer …', {
      resourceMetadata,
    });
    return { ok: false, problem, detail: 'no bearer token' };
  }
  if (credentials.kind !== 'token') {
    const type = credentials.kind === 'malformed' ? 'invalid-token' : 'invalid-request';
    const problem = authProblem(type, credentials.description, { resourceMetadata });
    return { ok: false, problem, detail: credentials.description };
  }
  try {
    const verdict = await verifier.verify(credentials.token);
    if (verdict.ok) return authentication(verdict, credentials.token);
    const problem = authProblem('invalid-token', verdict.description, { resourceMetadata });
    return { ok: false, problem, detail: verdict.detail };
  } catch (error) {
    if (!(error instanceof TokenCheckUnavailableError)) throw error;
    return { ok: false, problem: tokenCheckUnavailable(error.retryAfterSeconds), detail: error.message };
  }
}

type GoodToken = VerifiedBearerToken & { ok: true };

/** A verifier gives the same verdict for a token that it remembers, so the caller is built once. */
const authentications = new WeakMap<GoodToken, Authentication>();

function authentication(verdict: GoodToken, jwt: string): Authentication {
  const known = authentications.get(verdict);
  if (known !== undefined) return known;
  const { token, digest } = verdict;
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
    authTime: token.authTime,
    issuedAt: token.issuedAt,
    expiresAt: token.expiresAt,
    claims: token.claims,
  };
  const secret = { token: { value: jwt }, tokenDigest: { value: digest } };
  const result = {
    ok: true,
    auth: Object.freeze(Object.defineProperties(auth, secret)) as RequestAuth,
  } as const;
  authentications.set(verdict, result);
  return result;
}

export type BearerCredentials =
  | { readonly kind: 'token'; readonly token: string }
  /** No credentials, or those of another scheme: the challenge has no error code then (RFC 6750 §3.1). */
  | { readonly kind: 'none' }
  /** A bearer token that no token can look like: 401 `invalid_token`. */
  | { readonly kind: 'malformed'; readonly description: string }
  /** An unreadable header, or more than one token: 400 `invalid_request`. */
  | { readonly kind: 'unreadable'; readonly description: string };

const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;
const SCHEME = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +.*)?$/s;

/**
 * Reads the token of a request from the Authorization header, and from nowhere else (RFC 6750 §2.1, RFC 9700 §4.3.2).
 * `authorization` holds every Authorization field line as it came. `url` is the request target; it is looked at only to
 * refuse a request that sends a token in its query besides (RFC 6750 §3.1: more than one method).
 *
 * Not checked: anything about the token itself. The body is not looked at.
 */
export function parseBearerToken(authorization: readonly string[], url: string): BearerCredentials {
  const header = authorization[0];
  if (header === undefined) return { kind: 'none' };
  if (authorization.length > 1)
    return { kind: 'unreadable', description: 'more than one Authorization header' };
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) {
    const scheme = SCHEME.exec(header)?.[1];
    if (scheme === undefined)
      return { kind: 'unreadable', description: 'the Authorization header is malformed' };
    if (scheme.toLowerCase() !== 'bearer') return { kind: 'none' };
  }
  if (hasQueryToken(url))
    return { kind: 'unreadable', description: 'the token was sent in more than one way' };
  return token === undefined
    ? { kind: 'malformed', description: 'the bearer token is malformed' }
    : { kind: 'token', token };
}

function hasQueryToken(url: string): boolean {
  const start = url.indexOf('?');
  return start !== -1 && new URLSearchParams(url.slice(start)).has('access_token');
}

/** Refuses a token without all of these scopes: 403 `insufficient_scope` (RFC 6750 §3.1). */
export function checkScopes(
  auth: RequestAuth,
  required: readonly string[],
  resourceMetadata: string,
): AuthProblem | undefined {
  for (const scope of required) {
    if (auth.scopes.includes(scope)) continue;
    const scopes = required.join(' ');
    return authProblem('insufficient-scope', `The access token lacks a scope: ${scopes} is required.`, {
      resourceMetadata,
      scopes: required,
      members: { scope: scopes },
    });
  }
  return undefined;
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
      ? 'No actor acts for the user in this access token; it must come from a delegation.'
      : 'The current actor of the access token may not call this.';
  return authProblem('wrong-actor', detail, { resourceMetadata });
}

/**
 * Refuses a token of the other kind of subject. A user's token says something of the user's login: `sid`, `auth_time` or
 * `amr`. A token that says nothing of one, or whose `sub` is its `client_id`, counts as a client's own.
 */
export function checkSubject(
  auth: RequestAuth,
  kind: 'user' | 'client',
  resourceMetadata: string,
): AuthProblem | undefined {
  const hasLogin =
    auth.sessionId !== undefined || auth.authTime !== undefined || auth.claims['amr'] !== undefined;
  const isUser = hasLogin && auth.sub !== auth.clientId;
  if (isUser === (kind === 'user')) return undefined;
  const detail =
    kind === 'user'
      ? 'The access token stands for a client; this is for users.'
      : 'The access token stands for a user; this is for clients.';
  return authProblem('wrong-subject', detail, { resourceMetadata });
}

/**
 * Refuses a token whose user signed in longer ago than this, or of whom that is not known: 401
 * `insufficient_user_authentication` with `max_age` (RFC 9470 §3). `now` is in epoch seconds.
 */
export function checkRecentAuthentication(
  { authTime }: RequestAuth,
  { maxAgeSeconds, now }: { readonly maxAgeSeconds: number; readonly now: number },
  resourceMetadata: string,
): AuthProblem | undefined {
  const age = authTime === undefined ? Number.NaN : now - authTime;
  if (age <= maxAgeSeconds && age >= -CLOCK_TOLERANCE_SECONDS) return undefined;
  const detail = `This needs a sign-in that is at most ${maxAgeSeconds} seconds old.`;
  return authProblem('recent-authentication-required', detail, {
    resourceMetadata,
    maxAgeSeconds,
    members: { max_age: maxAgeSeconds },
  });
}

/** A value that a claim must have, or a rule for it; the rule gets undefined when the claim is absent. */
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
  return authProblem('claim-required', `The access token lacks the claim that is required here: ${name}.`, {
    resourceMetadata,
    members: { claim: name },
  });
}

function memberAt(object: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined),
    object,
  );
}

export interface ProtectedResourceOptions {
  /** The API's resource identifier. */
  readonly resource: string;
  /** Identifiers of the issuers whose tokens it takes. */
  readonly authorizationServers: readonly string[];
  readonly scopes: readonly string[];
  /** For people. */
  readonly name?: string | undefined;
}

/**
 * The metadata document of a protected resource (RFC 9728 §2): bearer tokens, in the header. An empty list is left out
 * (§3.2).
 */
export function protectedResourceDocument(
  options: ProtectedResourceOptions,
): Readonly<Record<string, unknown>> {
  const { resource, authorizationServers, scopes, name } = options;
  assertOptions('name', { resource, ...(name === undefined ? {} : { name }) });
  for (const entry of [...authorizationServers, ...scopes])
    assertOptions('name', { 'each of authorizationServers and scopes': entry });
  return {
    resource,
    ...(authorizationServers.length === 0 ? {} : { authorization_servers: authorizationServers }),
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    ...(name === undefined ? {} : { resource_name: name }),
  };
}
