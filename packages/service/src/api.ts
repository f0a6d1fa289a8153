import {
  type AccessTokenVerifier,
  type Logout,
  protectedResourceDocument,
  resourceMetadataUrl,
} from '@behalf/auth';
import { authOf, backchannelLogout, delegationProblems, requireAccessToken } from '@behalf/auth/express';
import express, { type Express, type RequestHandler } from 'express';
import type { SharedChannel } from './channel.ts';
import { allowOrigin, apiHeaders, type CorsOptions } from './http.ts';
import type { Logger } from './logging.ts';
import { allowOnly, notFound, problemHandler, type ProblemHandlerOptions } from './problem.ts';
import { requestIdOf, requestLogging } from './request-logging.ts';
import { healthRoutes } from './start-service.ts';

export interface ApiOptions extends ProblemHandlerOptions {
  /** For people, in the metadata. */
  readonly name: string;
  readonly logger: Logger;
  /** Its audience is this API's resource identifier. */
  readonly verifier: AccessTokenVerifier;
  /** The scopes that this API owns. */
  readonly scopes: readonly string[];
  /** Resolves when this process can do its work. Default: it always can. */
  readonly ready?: () => Promise<void>;
  /** The pages that may call. Default: none. */
  readonly cors?: CorsOptions;
  /** Receives back-channel logout as this client of the STS. Default: there is no such route. */
  readonly logout?: {
    readonly clientId: string;
    /** The caches that forget everything of the session or the user. */
    readonly memories: readonly {
      forgetSession(sessionId: string): void;
      forgetSubject(subject: string): void;
    }[];
    /** Epoch seconds. */
    readonly now: () => number;
    /** Tells the other replicas. Default: there are none, or they do not know of one another. */
    readonly channel?: SharedChannel | undefined;
  };
}

/**
 * An API guarded by the STS: request log and id, security headers, CORS, health, metadata (RFC 9728), back-channel logout,
 * and one problem handler around the routes that `addRoutes` adds. `authenticate` is the first handler of a protected route.
 * Each path has one spelling; another method of a known path is 405, an unknown path 404. It does not listen.
 */
export function createApi(
  options: ApiOptions,
  addRoutes: (api: Express, authenticate: RequestHandler) => void,
): Express {
  const { logger, verifier } = options;
  const api = express()
    .disable('x-powered-by')
    .disable('etag')
    .enable('strict routing')
    .enable('case sensitive routing');
  api.use(requestLogging(logger), apiHeaders);
  if (options.cors !== undefined) api.use(allowOrigin(options.cors));
  api.use(healthRoutes({ ready: options.ready ?? (() => undefined) }));
  serveMetadata(api, options);
  if (options.logout !== undefined) api.post('/backchannel-logout', logoutReceiver(verifier, options.logout));

  addRoutes(
    api,
    requireAccessToken(verifier, {
      onRefused: (refused, request) =>
        logger.info({ request_id: requestIdOf(request), ...refused }, 'refused'),
    }),
  );
  refuseOtherMethods(api);
  api.use(notFound());
  api.use(delegationProblems());
  api.use(problemHandler(logger, options));
  return api;
}

/** The claims of the verified token, never the token. */
export const identity: RequestHandler = (request, response) => {
  response.json(authOf(request).claims);
};

/** For anyone and any origin (RFC 9728 §3). */
function serveMetadata(api: Express, { name, verifier, scopes }: ApiOptions): void {
  const document = protectedResourceDocument({
    resource: verifier.audience,
    authorizationServers: [verifier.issuer],
    scopes,
    name,
  });
  api.get(new URL(resourceMetadataUrl(verifier.audience)).pathname, (_request, response) => {
    response
      .set({ 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'public, max-age=300' })
      .json(document);
  });
}

/** With a channel, a logout counts as received once the other replicas are told; until then the STS sends it again. */
function logoutReceiver(
  { issuer, keySet }: AccessTokenVerifier,
  { clientId, memories, now, channel }: NonNullable<ApiOptions['logout']>,
): RequestHandler {
  const forget = ({ sid, sub }: Logout) => {
    for (const memory of memories) {
      if (sid !== undefined) memory.forgetSession(sid);
      else if (sub !== undefined) memory.forgetSubject(sub);
    }
  };
  channel?.subscribe(forget);
  return backchannelLogout({
    issuer,
    clientId,
    keySet,
    now,
    replays: channel?.replays,
    async onLogout(logout) {
      forget(logout);
      await channel?.publish(logout);
    },
  });
}

/** Answers every method that no route of a known path has. */
function refuseOtherMethods(api: Express): void {
  const methodsOf = new Map<string, string[]>();
  for (const { route } of api.router.stack) {
    if (route === undefined || typeof route.path !== 'string') continue;
    const methods = route.stack.map(({ method }) => method.toUpperCase());
    methodsOf.set(route.path, [...(methodsOf.get(route.path) ?? []), ...methods]);
  }
  for (const [path, methods] of methodsOf) api.all(path, allowOnly(...new Set(methods)));
}
