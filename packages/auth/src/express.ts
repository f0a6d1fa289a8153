/** Express 5 adapters: thin, all decisions are in guard.ts, live-token.ts and logout-token.ts. */

import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import { type AuthProblem, resourceMetadataUrl, tokenCheckUnavailableProblem } from './auth-problem.ts';
import { DelegationError, problemOfDelegationError } from './delegation-error.ts';
import {
  authenticate,
  checkActor,
  checkClaim,
  checkScopes,
  type ExpectedClaim,
  protectedResourceDocument,
  type ProtectedResourceOptions,
  type RequestAuth,
} from './guard.ts';
import { checkLive, type LiveTokenCheck } from './live-token.ts';
import { createLogoutReceiver, type LogoutReceiverOptions } from './logout-token.ts';
import { TokenCheckUnavailableError } from './outgoing.ts';
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

/** A refused request, for the log. Nothing in it is secret; `detail` is finer than what the caller is told. */
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

interface Protection {
  readonly resourceMetadata: string;
  readonly onRefused: RequireAccessTokenOptions['onRefused'];
}

const protections = new WeakMap<Request, Protection>();

/** Lets requests with a good bearer token for this API through, and sets `request.auth`. Everything else is answered here. */
export function requireAccessToken(
  verifier: AccessTokenVerifier,
  options: RequireAccessTokenOptions = {},
): RequestHandler {
  const resourceMetadata = options.resourceMetadata ?? resourceMetadataUrl(verifier.audience);
  return async (request, response, next) => {
    protections.set(request, { resourceMetadata, onRefused: options.onRefused });
    const authorization = request.headersDistinct['authorization'] ?? [];
    const result = await authenticate(
      { authorization, url: request.originalUrl },
      verifier,
      resourceMetadata,
    );
    if (!result.ok) return refuse(request, response, result.problem, result.detail);
    request.auth = result.auth;
    next();
  };
}

/** All of these scopes. */
export function requireScope(...scopes: readonly [string, ...string[]]): RequestHandler {
  return guard((auth, { resourceMetadata }) => checkScopes(auth, scopes, resourceMetadata));
}

/** One of these clients as the current actor (RFC 8693 §4.1). */
export function requireActor(...actors: readonly [string, ...string[]]): RequestHandler {
  return guard((auth, { resourceMetadata }) => checkActor(auth, actors, resourceMetadata));
}

/** A claim, or the member at a path within one (`['subscription', 'status']`), with this value or for which this rule holds. */
export function requireClaim(
  claim: string | readonly [string, ...string[]],
  expected: ExpectedClaim,
): RequestHandler {
  return guard((auth, { resourceMetadata }) => checkClaim(auth, claim, expected, resourceMetadata));
}

/** A token that the issuer still stands by. What GET and HEAD may take from memory, no other method does. */
export function requireLiveToken(live: LiveTokenCheck): RequestHandler {
  return guard((auth, { resourceMetadata }, request) =>
    checkLive(auth, live, { fresh: request.method !== 'GET' && request.method !== 'HEAD', resourceMetadata }),
  );
}

/** Who calls. For routes behind requireAccessToken; anywhere else it throws. */
export function authOf(request: Request): RequestAuth {
  if (request.auth === undefined) throw new Error('requireAccessToken does not stand before this route');
  return request.auth;
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
 * Answers what a delegation client throws: see problemOfDelegationError. Mounted after the routes, before the app's own
 * error handler, which gets every other error.
 */
export function delegationProblems({ membersOf }: DelegationProblemsOptions = {}): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const protection = protections.get(request);
    if (response.headersSent || protection === undefined) return next(error);
    if (!(error instanceof DelegationError || error instanceof TokenCheckUnavailableError))
      return next(error);
    const problem =
      error instanceof DelegationError
        ? problemOfDelegationError(error, protection.resourceMetadata)
        : tokenCheckUnavailableProblem(error.retryAfterSeconds);
    const body = { ...membersOf?.(request, problem.status), ...problem.body };
    refuse(request, response, { ...problem, body }, error.message);
  };
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

  return async (request, response) => {
    const fault = await readForm(request, response);
    if (fault !== undefined) return refuseLogout(response, statusOf(fault), 'the form could not be read');
    const form = request.body as Readonly<Record<string, unknown>> | undefined;
    const token = form?.['logout_token'];
    if (typeof token !== 'string') return refuseLogout(response, 400, 'one logout_token is needed');
    try {
      const verdict = await receiver.receive(token);
      if (!verdict.ok) return refuseLogout(response, 400, verdict.description);
      response.status(200).set('Cache-Control', 'no-store').end();
    } catch (error) {
      if (!(error instanceof TokenCheckUnavailableError)) throw error;
      response.set('Retry-After', String(error.retryAfterSeconds));
      refuseLogout(response, 503, 'the logout token cannot be checked at the moment');
    }
  };
}

function refuseLogout(response: Response, status: number, description: string): void {
  response
    .status(status)
    .set('Cache-Control', 'no-store')
    .json({
      error: status === 503 ? 'temporarily_unavailable' : 'invalid_request',
      error_description: description,
    });
}

function statusOf(fault: unknown): number {
  return fault instanceof Error && 'status' in fault && fault.status === 413 ? 413 : 400;
}

type Check = (
  auth: RequestAuth,
  protection: Protection,
  request: Request,
) => AuthProblem | undefined | Promise<AuthProblem | undefined>;

/** A check that needs requireAccessToken before it; without it every request fails, loudly. */
function guard(check: Check): RequestHandler {
  return async (request, response, next) => {
    const auth = authOf(request);
    const protection = protections.get(request);
    if (protection === undefined) throw new Error('request.auth was not set by requireAccessToken');
    const problem = await check(auth, protection, request);
    if (problem !== undefined) return refuse(request, response, problem, problem.type);
    next();
  };
}

function refuse(request: Request, response: Response, problem: AuthProblem, detail: string): void {
  protections.get(request)?.onRefused?.({ status: problem.status, type: problem.type, detail }, request);
  response
    .status(problem.status)
    .set(problem.headers)
    .type('application/problem+json')
    .send(JSON.stringify(problem.body));
}
