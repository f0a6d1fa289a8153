/** Express adapters. The decisions are in guard.ts and the files beside it. No handler throws or rejects. */

import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import { DelegationError, problemOfDelegationError } from './delegation-error.ts';
import * as guard from './guard.ts';
import type { RequestAuth, RequestContext } from './guard.ts';
import * as liveToken from './live-token.ts';
import { createLogoutReceiver, type LogoutReceiverOptions } from './logout-token.ts';
import { assertOptions } from './options.ts';
import { createWarner, TokenCheckUnavailableError } from './outgoing.ts';
import {
  protectedResourceDocument,
  type ProtectedResourceOptions,
  resourceMetadataUrl,
} from './protected-resource.ts';
import * as recentAuthentication from './recent-authentication.ts';
import { type AuthProblem, authProblem, tokenCheckUnavailable } from './refusal.ts';
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
  /** The scopes that the challenge names, so that a client knows which ones to ask for (RFC 6750 §3). */
  readonly scopes?: readonly string[] | undefined;
  readonly onRefused?: ((refused: RefusedRequest, request: Request) => void) | undefined;
}

/** Left on a request by requireAccessToken for the handlers after it. */
interface Protection extends RequestContext {
  readonly onRefused: RequireAccessTokenOptions['onRefused'];
}

const PROTECTION = Symbol('protection');

type ProtectedRequest = Request & { [PROTECTION]?: Protection };

/** Lets requests with a good bearer token for this API through, and sets `request.auth`. All others are answered here. */
export function requireAccessToken(
  verifier: AccessTokenVerifier,
  options: RequireAccessTokenOptions = {},
): RequestHandler {
  const { onRefused, scopes, resourceMetadata = resourceMetadataUrl(verifier.audience) } = options;
  assertOptions('name', { resourceMetadata });
  if (scopes !== undefined) assertOptions('names', { scopes });
  assertOptions('function', { 'verifier.verify': verifier.verify, onRefused: onRefused ?? refuse });
  const protection: Protection = { resourceMetadata, onRefused, now: verifier.now };
  return async (request: ProtectedRequest, response, next) => {
    try {
      request[PROTECTION] = protection;
      const credentials = { authorization: authorizationOf(request), url: request.originalUrl };
      const result = await guard.authenticate(credentials, verifier, resourceMetadata, scopes);
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

/** The checks of guard.ts, live-token.ts and recent-authentication.ts as middleware; see there. */
export const requireScope = middleware(guard.requireScope);
export const requireActor = middleware(guard.requireActor);
export const requireUser = middleware(guard.requireUser);
export const requireClient = middleware(guard.requireClient);
export const requireClaim = middleware(guard.requireClaim);
export const requireRecentAuthentication = middleware(recentAuthentication.requireRecentAuthentication);
export const requireLiveToken = middleware(liveToken.requireLiveToken);

/** Checks behind requireAccessToken. Without it every request is refused. */
function middleware<Arguments extends readonly unknown[]>(createCheck: (...rule: Arguments) => guard.Check) {
  return (...rule: Arguments): RequestHandler => {
    const check = createCheck(...rule);
    return async (request: ProtectedRequest, response, next) => {
      const { auth, [PROTECTION]: protection } = request;
      if (auth === undefined || protection === undefined)
        return refuseUnprotected(createCheck.name, request, response);
      try {
        const decision = check(auth, protection, request.method);
        const problem = decision instanceof Promise ? await decision : decision;
        if (problem !== undefined) return refuse(request, response, problem, problem.type);
        next();
      } catch (error) {
        next(error);
      }
    };
  };
}

/** The caller. For routes behind requireAccessToken; anywhere else it throws. */
export function authOf(request: Request): RequestAuth {
  if (request.auth === undefined) throw new Error('requireAccessToken does not stand before this route');
  return request.auth;
}

const warnOnce = createWarner();

function refuseUnprotected(name: string, request: Request, response: Response): void {
  warnOnce(`${name} needs requireAccessToken before it; its routes answer 500`);
  refuse(request, response, authProblem('not-protected', 'This route cannot be used.'), name);
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
  const text = body === undefined ? undefined : JSON.stringify(body);
  // An app's own middleware may have something to add in `send`. A plain node:http response has none.
  if (text !== undefined && typeof response.send === 'function') response.send(text);
  else response.end(text);
}

/** Serves the API's metadata at its well-known place (RFC 9728 §3), for anyone and any origin. */
export function protectedResourceMetadata(options: ProtectedResourceOptions): RequestHandler {
  const router = express.Router({ caseSensitive: true, strict: true });
  const document = protectedResourceDocument(options);
  router.get(new URL(resourceMetadataUrl(options.resource)).pathname, (_request, response) => {
    response
      .set({ 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'public, max-age=300' })
      .json(document);
  });
  return router;
}

/**
 * Answers the errors of a delegation client (see problemOfDelegationError), and passes on that the next API wants a recent
 * sign-in, with this API's own metadata. Mounted after the routes, before the app's own
 * error handler, which gets every other error.
 */
export function delegationProblems(): ErrorRequestHandler {
  return (error: unknown, request: ProtectedRequest, response, next) => {
    const problem = response.headersSent ? undefined : problemOf(error, request[PROTECTION]);
    if (problem === undefined) return next(error);
    refuse(request, response, problem, (error as Error).message);
  };
}

function problemOf(error: unknown, protection: Protection | undefined): AuthProblem | undefined {
  if (protection === undefined) return undefined;
  if (error instanceof DelegationError) return problemOfDelegationError(error, protection.resourceMetadata);
  if (error instanceof TokenCheckUnavailableError) return tokenCheckUnavailable(error.retryAfterSeconds);
  if (error instanceof recentAuthentication.RecentAuthenticationRequiredError)
    return recentAuthentication.recentAuthenticationProblem(error, protection.resourceMetadata);
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
