import type { EventEmitter } from 'node:events';
import { isUnavailable } from '@behalf/database';
import { currentRequestId, type Logger } from '@behalf/service';
import type { AuthorizationCode, KoaContextWithOIDC, Provider, RefreshToken } from 'oidc-provider';
import { troublePage } from '../interactions/pages.ts';
import type { ApiRegistry } from '../registry/apis.ts';
import type { State } from '../state/state.ts';
import { loggedPath } from './edge.ts';
import { answerWithPage } from './pages.ts';

/** Middleware around one of oidc-provider's routes. `ctx.oidc` is there after `next()`. */
export type RouteMiddleware = (ctx: KoaContextWithOIDC, next: Next) => Promise<void>;

type Next = () => Promise<void>;

/** For oidc-provider's `routes` setting. */
export const ENDPOINTS = {
  authorization: '/connect/authorize',
  token: '/connect/token',
  userinfo: '/connect/userinfo',
  end_session: '/connect/endsession',
  introspection: '/connect/introspect',
  revocation: '/connect/revocation',
  pushed_authorization_request: '/connect/par',
  jwks: '/.well-known/openid-configuration/jwks',
};

const PATHS = {
  ...ENDPOINTS,
  end_session_confirm: `${ENDPOINTS.end_session}/confirm`,
  discovery: ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'],
};

/** `resume`: a sign-in goes on after its pages. */
type Routes = Readonly<Record<keyof typeof PATHS | 'resume', readonly RouteMiddleware[]>>;

const RESUME = new RegExp(`^${ENDPOINTS.authorization}/[^/]+$`);

/** Any page may read these. */
const PUBLIC_DOCUMENTS = '/.well-known/';

const CORS_HEADERS = ['Origin', 'Headers', 'Methods'].map((name) => `Access-Control-Allow-${name}`);

const OTHER_CORS_HEADERS = ['Access-Control-Expose-Headers', 'Access-Control-Max-Age'];

/**
 * The one table of middleware around oidc-provider's routes. A request enters what stands for its route and nothing else.
 * Each path has one spelling; every other is 404. An internal failure is logged once and answered by 503 when the database
 * is out of reach, else by 500. The CORS headers that oidc-provider adds are taken away again: the app in front of it decides.
 */
export function onRoute(provider: Provider, logger: Logger, routes: Routes): void {
  const byPath = new Map(
    Object.entries(PATHS).flatMap(([name, paths]) =>
      [paths].flat().map((path) => [path, compose(routes[name as keyof typeof PATHS])] as const),
    ),
  );
  const resume = compose(routes.resume);
  const failures = new WeakMap<object, unknown>();
  provider.on('server_error', (ctx, error) => failures.set(ctx.req, error));
  // Without a listener Koa prints errors to standard error.
  (provider as EventEmitter).on('error', () => undefined);

  provider.use(async (ctx: KoaContextWithOIDC, next) => {
    const isCorsDecided =
      ctx.path.startsWith(PUBLIC_DOCUMENTS) || ctx.res.hasHeader('Access-Control-Allow-Origin');
    const route = byPath.get(ctx.path) ?? (RESUME.test(ctx.path) ? resume : undefined);
    try {
      await route?.(ctx, next);
    } catch (error) {
      failures.set(ctx.req, error);
      answerFailure(ctx, 500);
    }
    if (failures.has(ctx.req)) reportFailure(ctx, failures.get(ctx.req), logger);
    if (ctx.status === 404 && (ctx.body === undefined || ctx.body === null)) answerNotFound(ctx);
    if (!isCorsDecided) for (const name of [...CORS_HEADERS, ...OTHER_CORS_HEADERS]) ctx.remove(name);
  });
}

function compose(layers: readonly RouteMiddleware[]): RouteMiddleware {
  return (ctx, next) => {
    let run = next;
    for (const layer of layers.toReversed()) {
      const inner = run;
      run = () => layer(ctx, inner);
    }
    return run();
  };
}

/** Logs an internal failure without request values. */
function reportFailure(ctx: KoaContextWithOIDC, failure: unknown, logger: Logger): void {
  logger.error(
    { request_id: currentRequestId(), method: ctx.method, path: loggedPath(ctx.path), err: failure },
    'the authorization server failed to answer',
  );
  if (isUnavailable(failure)) answerFailure(ctx, 503);
}

const RETRY_AFTER_SECONDS = '5';

function answerFailure(ctx: KoaContextWithOIDC, status: 500 | 503): void {
  if (status === 503) ctx.set('Retry-After', RETRY_AFTER_SECONDS);
  if (ctx.response.get('Content-Type').startsWith('text/html')) {
    return answerWithPage(ctx, status, troublePage(currentRequestId()));
  }
  if (status === 503) answerError(ctx, 503, 'temporarily_unavailable', 'try again in a moment');
  else answerError(ctx, 500, 'server_error', 'something went wrong on our side');
}

function answerNotFound(ctx: KoaContextWithOIDC): void {
  answerError(ctx, 404, 'invalid_request', 'there is nothing at this address for this method');
}

/** An error for programs. */
export function answerError(
  ctx: KoaContextWithOIDC,
  status: number,
  error: string,
  error_description: string,
): void {
  ctx.status = status;
  ctx.set('Cache-Control', 'no-store');
  ctx.body = { error, error_description };
}

/** Adds the APIs and their scopes to the discovery document (RFC 8414 §2, RFC 9728 §4). */
export function addApisToDiscovery(apis: ApiRegistry): RouteMiddleware {
  return async (ctx, next) => {
    await next();
    if (ctx.status !== 200) return;
    const document = ctx.body as { scopes_supported?: readonly string[] };
    ctx.body = {
      ...document,
      scopes_supported: [...(document.scopes_supported ?? []), ...apis.all.flatMap(({ scopes }) => scopes)],
      protected_resources: apis.all.flatMap(({ identifier, aliases = [] }) => [identifier, ...aliases]),
    };
  };
}

/**
 * Refuses every fault of a client assertion with 401 `invalid_client` (RFC 7523 §3.2). oidc-provider calls some of them
 * `invalid_request`: an assertion about another client than `client_id`, and one of another or no type.
 */
export async function refuseClientAssertion(ctx: KoaContextWithOIDC, next: Next): Promise<void> {
  await next();
  if (
    ctx.status !== 400 ||
    ctx.oidc.client !== undefined ||
    ctx.oidc.params?.['client_assertion'] === undefined
  )
    return;
  ctx.set('WWW-Authenticate', `Basic realm="${ctx.oidc.issuer}"`);
  answerError(ctx, 401, 'invalid_client', 'client authentication failed');
}

/**
 * Completes an answer of the token endpoint. One that brings a refresh token says in `refresh_token_expires_in` how many
 * seconds are left until the person must sign in again (draft-ietf-oauth-refresh-token-expiration).
 *
 * When a request fails after it consumed a code or refresh token (oidc-provider looks at `resource` later, and the server may
 * fail), that is undone: nothing was handed out, and the client's next try would be taken for a replay, which ends the login.
 */
export function completeTokenAnswer(provider: Provider, state: State, logger: Logger): RouteMiddleware {
  const consumed = new WeakSet<object>();
  const record = (token: AuthorizationCode | RefreshToken) => void consumed.add(token);
  provider.on('authorization_code.consumed', record);
  provider.on('refresh_token.consumed', record);

  return async (ctx, next) => {
    await next();
    const {
      AuthorizationCode: code,
      RefreshToken: refreshToken,
      RotatedRefreshToken: rotated,
    } = ctx.oidc.entities;
    if (ctx.status === 200 && refreshToken !== undefined) {
      ctx.body = { ...(ctx.body as object), refresh_token_expires_in: refreshToken.remainingTTL };
    }
    if (ctx.status < 400) return;
    for (const token of [code, refreshToken, rotated]) {
      if (token === undefined || !consumed.has(token)) continue;
      try {
        await state.unconsume(token.kind, token.jti);
      } catch (error) {
        logger.warn({ err: error }, 'a code or refresh token stays consumed');
      }
    }
  };
}
