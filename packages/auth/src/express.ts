/** Express adapters. All decisions are in guard.ts, live-token.ts and logout-token.ts. No handler throws or rejects. */

import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import { DelegationError, problemOfDelegationError } from './delegation-error.ts';
import {
  authenticate,
  checkActor,
  checkClaim,
  checkRecentAuthentication,
  checkScopes,
  checkSubject,
  type ExpectedClaim,
  protectedResourceDocument,
  type ProtectedResourceOptions,
  type RequestAuth,
} from './guard.ts';
import { checkLive, type LiveCheck } from './live-token.ts';
import { createLogoutReceiver, type LogoutReceiverOptions } from './logout-token.ts';
import { assertOptions } from './options.ts';
import { createWarner, TokenCheckUnavailableError } from './outgoing.ts';
import { type AuthProblem, authProblem, resourceMetadataUrl, tokenCheckUnavailable } from './refusal.ts';
import type { AccessTokenVerifier } from './verifier.ts';

export { type RequestAuth } from './guard.ts';

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- the only way to add a member to Express's request
  namespace Express {
    interface Request {
      /** Set by requireAccessToken. `authOf(request)` gives it without `undefined`. */
      auth?: RequestAuth;
    }
  }
}

/** A refused request, for the log. Nothing in it is secret; `detail` is finer than the answer to the caller. */
export interface RefusedRequest {
  readonly status: number;
  readonly type: string;
  readonly detail: string;
}

export interface RequireAccessTokenOptions {
  /** Where the API's metadata is (RFC 9728). Default: derived from the verifier's audience. */
  readonly resourceMetadata?: string | undefined;
  readonly onRefused?: ((refused: RefusedRequest, request: Request) => void) | undefined;
}

/** What requireAccessToken leaves on a request for the handlers after it. */
interface Protection {
  readonly resourceMetadata: string;
  readonly onRefused: RequireAccessTokenOptions['onRefused'];
  readonly now: () => number;
}

const PROTECTION = Symbol('protection');

type ProtectedRequest = Request & { [PROTECTION]?: Protection };

/** Lets requests with a good bearer token for this API through, and sets `request.auth`. All others are answered here. */
export function requireAccessToken(
  verifier: AccessTokenVerifier,
  options: RequireAccessTokenOptions = {},
): RequestHandler {
  const { onRefused, resourceMetadata = resourceMetadataUrl(verifier.audience) } = options;
  assertOptions('name', { resourceMetadata });
  assertOptions('function', { 'verifier.verify': verifier.verify, onRefused: onRefused ?? refuse });
  const protection: Protection = { resourceMetadata, onRefused, now: verifier.now };
  return async (request: ProtectedRequest, response, next) => {
    try {
      request[PROTECTION] = protection;
      const credentials = { authorization: authorizationOf(request), url: request.originalUrl };
      const result = await authenticate(credentials, verifier, resourceMetadata);
      if (!result.ok) return refuse(request, response, result.problem, result.detail);
      request.auth = result.auth;
      next();
    } catch (error) {
      next(error);
    }
  };
}

/** Every Authorization field line; Node's `headers` has only the first. */
function authorizationOf({ rawHeaders }: Request): readonly string[] {
  const lines: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 13 && name.toLowerCase() === 'authorization')
      lines.push(rawHeaders[index + 1] ?? '');
  }
  return lines;
}

/** All of these scopes. */
export function requireScope(...scopes: readonly [string, ...string[]]): RequestHandler {
  assertOptions('names', { 'requireScope(…)': scopes });
  return guard('requireScope', (auth, { resourceMetadata }) => checkScopes(auth, scopes, resourceMetadata));
}

/** One of these clients as the current actor (RFC 8693 §4.1). */
export function requireActor(...actors: readonly [string, ...string[]]): RequestHandler {
  assertOptions('names', { 'requireActor(…)': actors });
  return guard('requireActor', (auth, { resourceMetadata }) => checkActor(auth, actors, resourceMetadata));
}

/** A user's token; see checkSubject. */
export function requireUser(): RequestHandler {
  return guard('requireUser', (auth, { resourceMetadata }) => checkSubject(auth, 'user', resourceMetadata));
}

/** A client's own token; see checkSubject. */
export function requireClient(): RequestHandler {
  return guard('requireClient', (auth, { resourceMetadata }) =>
    checkSubject(auth, 'client', resourceMetadata),
  );
}

/** A sign-in that is at most so old (RFC 9470). */
export function requireRecentAuthentication(options: { readonly maxAgeSeconds: number }): RequestHandler {
  const { maxAgeSeconds } = options;
  assertOptions('number', { maxAgeSeconds });
  return guard('requireRecentAuthentication', (auth, { resourceMetadata, now }) =>
    checkRecentAuthentication(auth, { maxAgeSeconds, now: now() }, resourceMetadata),
  );
}

/** A claim, or the member at a path within one (`['subscription', 'status']`), with this value or for which this rule holds. */
export function requireClaim(
  claim: string | readonly [string, ...string[]],
  expected: ExpectedClaim,
): RequestHandler {
  assertOptions('names', { claim: [claim].flat() });
  if (!['string', 'number', 'boolean', 'function'].includes(typeof expected))
    throw new TypeError('requireClaim needs the value that the claim must have, or a rule for it');
  return guard('requireClaim', (auth, { resourceMetadata }) =>
    checkClaim(auth, claim, expected, resourceMetadata),
  );
}

/** A token that is active at the issuer. GET and HEAD may rely on an earlier answer, no other method does. */
export function requireLiveToken(live: LiveCheck): RequestHandler {
  assertOptions('function', { 'live.isLive': live?.isLive });
  return guard('requireLiveToken', (auth, { resourceMetadata }, { method }) =>
    checkLive(auth, live, { fresh: method !== 'GET' && method !== 'HEAD', resourceMetadata }),
  );
}

/** The caller. For routes behind requireAccessToken; anywhere else it throws. */
export function authOf(request: Request): RequestAuth {
  if (request.auth === undefined) throw new Error('requireAccessToken does not stand before this route');
  return request.auth;
}

type Check = (
  auth: RequestAuth,
  protection: Protection,
  request: Request,
) => AuthProblem | undefined | Promise<AuthProblem | undefined>;

/** A check that needs requireAccessToken before it; without it every request is refused. */
function guard(name: string, check: Check): RequestHandler {
  return async (request: ProtectedRequest, response, next) => {
    const { auth, [PROTECTION]: protection } = request;
    if (auth === undefined || protection === undefined) return refuseUnprotected(name, request, response);
    try {
      const decision = check(auth, protection, request);
      const problem = decision instanceof Promise ? await decision : decision;
      if (problem !== undefined) return refuse(request, response, problem, problem.type);
      next();
    } catch (error) {
      next(error);
    }
  };
}

const warnOnce = createWarner();

function refuseUnprotected(name: string, request: Request, response: Response): void {
  warnOnce(`${name} needs requireAccessToken before it; its routes answer 500`);
  refuse(request, response, authProblem('not-protected', 'This route cannot be used.', {}), name);
}

function refuse(request: ProtectedRequest, response: Response, problem: AuthProblem, detail: string): void {
  const { status, type, headers, body } = problem;
  request[PROTECTION]?.onRefused?.({ status, type, detail }, request);
  send(response, status, { ...headers, 'Content-Type': 'application/problem+json; charset=utf-8' }, body);
}

function send(
  response: Response,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

/** Serves the API's metadata at its well-known place (RFC 9728 §3), for anyone and any origin. */
export function protectedResourceMetadata(options: ProtectedResourceOptions): RequestHandler {
  const router = express.Router();
  const document = protectedResourceDocument(options);
  router.get(new URL(resourceMetadataUrl(options.resource)).pathname, (_request, response) => {
    response
      .set({ 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'public, max-age=300' })
      .json(document);
  });
  return router;
}

export interface DelegationProblemsOptions {
  /** Further members of the body (RFC 9457 §3.2), beside those that the problem has. */
  readonly membersOf?: ((request: Request, status: number) => Readonly<Record<string, unknown>>) | undefined;
}

/**
 * Answers the errors of a delegation client: see problemOfDelegationError. Mounted after the routes, before the app's own
 * error handler, which gets every other error.
 */
export function delegationProblems({ membersOf }: DelegationProblemsOptions = {}): ErrorRequestHandler {
  return (error: unknown, request: ProtectedRequest, response, next) => {
    const problem = response.headersSent ? undefined : problemOf(error, request[PROTECTION]);
    if (problem === undefined) return next(error);
    const body = { ...membersOf?.(request, problem.status), ...problem.body };
    refuse(request, response, { ...problem, body }, (error as Error).message);
  };
}

function problemOf(error: unknown, protection: Protection | undefined): AuthProblem | undefined {
  if (protection === undefined) return undefined;
  if (error instanceof DelegationError) return problemOfDelegationError(error, protection.resourceMetadata);
  if (error instanceof TokenCheckUnavailableError) return tokenCheckUnavailable(error.retryAfterSeconds);
  return undefined;
}

const LOGOUT_BODY_LIMIT = '16kb';

/** Receives OpenID Connect back-channel logout (1.0 §2.5–2.8): `app.post('/backchannel-logout', backchannelLogout({…}))`. */
export function backchannelLogout(options: LogoutReceiverOptions): RequestHandler {
  const receiver = createLogoutReceiver(options);
  const parseForm = express.urlencoded({ extended: false, limit: LOGOUT_BODY_LIMIT, parameterLimit: 10 });
  const readForm = (request: Request, response: Response) =>
    new Promise<unknown>((resolve) => {
      parseForm(request, response, resolve);
    });

  return async (request, response, next) => {
    try {
      const fault = await readForm(request, response);
      if (fault !== undefined) return refuseLogout(response, statusOf(fault), 'the form could not be read');
      const form = request.body as Readonly<Record<string, unknown>> | undefined;
      const token = form?.['logout_token'];
      if (typeof token !== 'string') return refuseLogout(response, 400, 'one logout_token is needed');
      const verdict = await receiver.receive(token);
      if (!verdict.ok) return refuseLogout(response, 400, verdict.description);
      send(response, 200, { 'Cache-Control': 'no-store' }, undefined);
    } catch (error) {
      if (!(error instanceof TokenCheckUnavailableError)) return next(error);
      response.setHeader('Retry-After', String(error.retryAfterSeconds));
      refuseLogout(response, 503, 'the logout token cannot be checked at the moment');
    }
  };
}

function refuseLogout(response: Response, status: number, description: string): void {
  const error = status === 503 ? 'temporarily_unavailable' : 'invalid_request';
  const headers = { 'Cache-Control': 'no-store', 'Content-Type': 'application/json; charset=utf-8' };
  send(response, status, headers, { error, error_description: description });
}

function statusOf(fault: unknown): number {
  return fault instanceof Error && 'status' in fault && fault.status === 413 ? 413 : 400;
}
