/** The decisions of a resource server about a request, without any web framework. */

import type { AccessToken } from './access-token.ts';
import { assertOptions, isObject } from './options.ts';
import { TokenCheckUnavailableError } from './outgoing.ts';
import { authProblem, type AuthProblem, type AuthProblemType, tokenCheckUnavailable } from './refusal.ts';
import type { AccessTokenVerifier, VerifiedBearerToken } from './verifier.ts';

/** The caller of a request, from a verified access token. Requests with the same token share it, and it is frozen. */
export type RequestAuth = ReturnType<typeof requestAuth>;

function requestAuth(token: AccessToken, jwt: string, digest: string) {
  const auth = {
    sub: token.subject,
    clientId: token.clientId,
    scopes: token.scopes,
    /** The current actor (RFC 8693 §4.1), the only one to decide on; undefined when no actor acts for the subject. */
    actor: token.actorChain[0],
    /** The current actor first; the others are for information. */
    actorChain: token.actorChain,
    issuer: token.issuer,
    audience: token.audience,
    jti: token.jti,
    /** `sid`: the login session that the token hangs from. */
    sessionId: token.sessionId,
    /** Epoch seconds of the user's sign-in. */
    authTime: token.authTime,
    /** Epoch seconds. */
    issuedAt: token.issuedAt,
    /** Epoch seconds. */
    expiresAt: token.expiresAt,
    claims: token.claims,
    /** The token itself, for exchanging it. Not enumerable, so that no log or answer takes it along by accident. */
    token: jwt,
    /** See digestOf. Not enumerable. */
    tokenDigest: digest,
  } as const;
  const hidden = { enumerable: false };
  return Object.freeze(Object.defineProperties(auth, { token: hidden, tokenDigest: hidden }));
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
  scopes?: readonly string[],
): Promise<Authentication> {
  const refused = (type: AuthProblemType, description: string, detail = description) =>
    ({ ok: false, problem: authProblem(type, description, resourceMetadata, { scopes }), detail }) as const;
  const { token, problem, description } = parseBearerToken(request.authorization, request.url);
  if (token === undefined) return refused(problem, description);
  try {
    const verdict = await verifier.verify(token);
    if (verdict.ok) return authentication(verdict, token);
    return refused('invalid-token', verdict.description, verdict.detail);
  } catch (error) {
    if (!(error instanceof TokenCheckUnavailableError)) throw error;
    return { ok: false, problem: tokenCheckUnavailable(error.retryAfterSeconds), detail: error.message };
  }
}

/** A verifier gives the same verdict for a token that it remembers, so the caller is built once. */
const authentications = new WeakMap<VerifiedBearerToken, Authentication>();

function authentication(verdict: VerifiedBearerToken & { ok: true }, jwt: string): Authentication {
  const known = authentications.get(verdict);
  if (known !== undefined) return known;
  const result = { ok: true, auth: requestAuth(verdict.token, jwt, verdict.digest) } as const;
  authentications.set(verdict, result);
  return result;
}

export type BearerCredentials =
  | { readonly token: string; readonly problem?: never; readonly description?: never }
  | { readonly token?: never; readonly problem: AuthProblemType; readonly description: string };

const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;
const SCHEME = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +.*)?$/s;

/**
 * Reads the token of a request from the Authorization header, and from nowhere else (RFC 6750 §2.1, RFC 9700 §4.3.2).
 * `authorization` holds every Authorization field line as it came. `url` is the request target; it is looked at only to
 * refuse a request that sends a token in its query besides. Credentials of another scheme count as none. A malformed token
 * is an invalid one; an unreadable header, or more than one token, makes the request invalid (RFC 6750 §3.1).
 *
 * Not checked: anything about the token itself. The body is not looked at.
 */
export function parseBearerToken(authorization: readonly string[], url: string): BearerCredentials {
  const unreadable = (description: string) => ({ problem: 'invalid-request', description }) as const;
  const [header] = authorization;
  if (header === undefined) return NO_TOKEN;
  if (authorization.length > 1) return unreadable('more than one Authorization header');
  const token = BEARER.exec(header)?.[1];
  const scheme = token === undefined ? SCHEME.exec(header)?.[1]?.toLowerCase() : 'bearer';
  if (scheme === undefined) return unreadable('the Authorization header is malformed');
  if (scheme !== 'bearer') return NO_TOKEN;
  if (hasQueryToken(url)) return unreadable('the token was sent in more than one way');
  return token === undefined
    ? { problem: 'invalid-token', description: 'the bearer token is malformed' }
    : { token };
}

const NO_TOKEN: BearerCredentials = {
  problem: 'missing-token',
  description: 'An access token is needed: Authorization: Bearer …',
};

function hasQueryToken(url: string): boolean {
  const start = url.indexOf('?');
  return start !== -1 && new URLSearchParams(url.slice(start)).has('access_token');
}

export interface RequestContext {
  /** Where the metadata of the API is. */
  readonly resourceMetadata: string;
  /** Epoch seconds. */
  readonly now: () => number;
}

/** Decides whether a request may pass: undefined, or the answer that refuses it. `method` is the request's. */
export type Check = (
  auth: RequestAuth,
  context: RequestContext,
  method: string,
) => AuthProblem | undefined | Promise<AuthProblem | undefined>;

/** A token with all of these scopes; else 403 `insufficient_scope` (RFC 6750 §3.1). */
export function requireScope(...scopes: readonly [string, ...string[]]): Check {
  assertOptions('names', { 'requireScope(…)': scopes });
  const scope = scopes.join(' ');
  const detail = `The access token lacks a scope: ${scope} is required.`;
  const parts = { scopes, members: { scope } };
  return (auth, { resourceMetadata }) =>
    scopes.every((name) => auth.scopes.includes(name))
      ? undefined
      : authProblem('insufficient-scope', detail, resourceMetadata, parts);
}

/** One of these clients as the current actor; prior actors never count (RFC 8693 §4.1). */
export function requireActor(...actors: readonly [string, ...string[]]): Check {
  assertOptions('names', { 'requireActor(…)': actors });
  return ({ actor }, { resourceMetadata }) => {
    if (actor !== undefined && actors.includes(actor)) return undefined;
    const detail =
      actor === undefined
        ? 'No actor acts for the user in this access token; it must come from a delegation.'
        : 'The current actor of the access token may not call this.';
    return authProblem('wrong-actor', detail, resourceMetadata);
  };
}

/**
 * A user's token: it says something of the user's login (`sid`, `auth_time` or `amr`), and its `sub` is not its
 * `client_id`. A token that says nothing of a login counts as a client's.
 */
export function requireUser(): Check {
  return requireSubject(true, 'The access token stands for a client; this is for users.');
}

/** A client's own token, or one that was exchanged for it: see requireUser. */
export function requireClient(): Check {
  return requireSubject(false, 'The access token stands for a user; this is for clients.');
}

function requireSubject(mustBeUser: boolean, detail: string): Check {
  return ({ sub, clientId, sessionId, authTime, claims }, { resourceMetadata }) => {
    const hasLogin = sessionId !== undefined || authTime !== undefined || claims['amr'] !== undefined;
    const isUser = hasLogin && sub !== clientId;
    return isUser === mustBeUser ? undefined : authProblem('wrong-subject', detail, resourceMetadata);
  };
}

/** A value that a claim must have, or a rule for it; the rule gets undefined when the claim is absent, and only `true` passes. */
export type ExpectedClaim = string | number | boolean | ((value: unknown, auth: RequestAuth) => boolean);

/** A claim, or the member at a path within one (`['subscription', 'status']`), that is as expected. */
export function requireClaim(claim: string | readonly [string, ...string[]], expected: ExpectedClaim): Check {
  const path = [claim].flat();
  assertOptions('names', { claim: path });
  if (!['string', 'number', 'boolean', 'function'].includes(typeof expected))
    throw new TypeError('requireClaim needs the value that the claim must have, or a rule for it');
  const name = path.join('.');
  return (auth, { resourceMetadata }) => {
    const value = memberAt(auth.claims, path);
    const passes: unknown = typeof expected === 'function' ? expected(value, auth) : value === expected;
    if (passes === true) return undefined;
    const detail = `The access token lacks the claim that is required here: ${name}.`;
    return authProblem('claim-required', detail, resourceMetadata, { members: { claim: name } });
  };
}

function memberAt(object: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined),
    object,
  );
}
