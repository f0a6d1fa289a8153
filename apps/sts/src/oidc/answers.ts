import type { EventEmitter } from 'node:events';
import { isUnavailable } from '@behalf/database';
import { currentRequestId, type Logger } from '@behalf/service';
import type { AuthorizationCode, KoaContextWithOIDC, Provider, RefreshToken } from 'oidc-provider';
import { troublePage } from '../interactions/pages.ts';
import type { ApiRegistry } from '../registry/apis.ts';
import { loggedPath } from './edge.ts';
import { answerWithPage } from './pages.ts';

const RETRY_AFTER_SECONDS = 5;

/**
 * What oidc-provider could not finish because of us is logged, once, without any value of the request. When the database
 * is out of reach the answer is 503 with `Retry-After`; otherwise oidc-provider's own 500 stands, which tells nothing.
 */
export function reportOutages(provider: Provider, logger: Logger): void {
  const failures = new WeakMap<object, unknown>();
  provider.on('server_error', (ctx, error) => failures.set(ctx.req, error));
  // Without a listener Koa prints errors to standard error.
  const koa: EventEmitter = provider;
  koa.on('error', () => undefined);
  provider.use(async (ctx: KoaContextWithOIDC, next) => {
    try {
      await next();
    } catch (error) {
      failures.set(ctx.req, error);
      ctx.status = 500;
      answerFailure(ctx, 500);
    }
    const failure = failures.get(ctx.req);
    if (failure === undefined) return;
    logger.error(
      { request_id: currentRequestId(), method: ctx.method, path: loggedPath(ctx.path), err: failure },
      'the authorization server failed to answer',
    );
    if (isUnavailable(failure)) answerFailure(ctx, 503);
  });
}

function answerFailure(ctx: KoaContextWithOIDC, status: 500 | 503): void {
  if (status === 503) ctx.set('Retry-After', String(RETRY_AFTER_SECONDS));
  if (ctx.response.get('Content-Type').startsWith('text/html')) {
    answerWithPage(ctx, status, troublePage(currentRequestId()));
    return;
  }
  ctx.status = status;
  ctx.set('Cache-Control', 'no-store');
  ctx.body =
    status === 503
      ? { error: 'temporarily_unavailable', error_description: 'try again in a moment' }
      : { error: 'server_error', error_description: 'something went wrong on our side' };
}

/** oidc-provider leaves a path or method it has no route for to Koa, which would say so in plain text. */
export async function answerUnknownPaths(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  await next();
  if (ctx.body !== undefined && ctx.body !== null) return;
  if (ctx.status !== 404 && ctx.status !== 405 && ctx.status !== 501) return;
  const { status } = ctx;
  ctx.body = {
    error: 'invalid_request',
    error_description: 'there is nothing at this address for this method',
  };
  ctx.status = status;
  ctx.set('Cache-Control', 'no-store');
}

/** Adds to oidc-provider's discovery document (RFC 8414) what it cannot know: the APIs' scopes and the APIs (RFC 9728 §4). */
export function addApisToDiscovery(apis: ApiRegistry) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next();
    const oidc: KoaContextWithOIDC['oidc'] | undefined = ctx.oidc;
    if (oidc?.route !== 'discovery' || ctx.status !== 200) return;
    const document = ctx.body as { scopes_supported?: readonly string[] };
    ctx.body = {
      ...document,
      scopes_supported: [...(document.scopes_supported ?? []), ...apis.all.flatMap(({ scopes }) => scopes)],
      protected_resources: apis.all.map(({ identifier }) => identifier),
    };
  };
}

/**
 * Adds `refresh_token_expires_in` to a token response that brings a refresh token: seconds that it has left
 * (draft-ietf-oauth-refresh-token-expiration). It ends with the login session, however often it is rotated, so a client
 * learns from it when the person will have to sign in again.
 */
export async function addRefreshTokenExpiresIn(
  ctx: KoaContextWithOIDC,
  next: () => Promise<void>,
): Promise<void> {
  await next();
  // No route of oidc-provider's matched: there is no OpenID context.
  const oidc: KoaContextWithOIDC['oidc'] | undefined = ctx.oidc;
  const refreshToken = oidc?.entities.RefreshToken;
  if (oidc?.route !== 'token' || ctx.status !== 200 || refreshToken === undefined) return;
  const body = ctx.body as Readonly<Record<string, unknown>>;
  if (body['refresh_token'] !== refreshToken.jti) return;
  ctx.body = { ...body, refresh_token_expires_in: refreshToken.remainingTTL };
}

const PUBLIC_DOCUMENTS = '/.well-known/';

/**
 * oidc-provider lets pages of every origin read its answers, and says `*` to a request without one. Who may read ours is
 * decided in front of it, for one exact origin; what oidc-provider adds by itself is taken away again. Discovery and keys
 * are public: any page may read those.
 */
export async function stripProviderCors(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  const isDecided = ctx.res.hasHeader('Access-Control-Allow-Origin');
  await next();
  if (isDecided || ctx.path.toLowerCase().startsWith(PUBLIC_DOCUMENTS)) return;
  for (const name of Object.keys(ctx.response.headers)) {
    if (name.toLowerCase().startsWith('access-control-')) ctx.remove(name);
  }
}

export interface UnconsumePorts {
  /** Makes a code or refresh token that was used up good for another use. */
  readonly unconsume: (model: 'AuthorizationCode' | 'RefreshToken', id: string) => Promise<void>;
  readonly logger: Logger;
}

/**
 * A code or refresh token that a request used up, and that then failed nevertheless, is given back: oidc-provider looks at
 * `resource` only after it, and the server itself may fail. Nothing was handed out for it, and the client's next try would
 * otherwise be a replay and end its login. Whoever replays it meanwhile still ends the login. When the database is away
 * this fails as well, and the user signs in again.
 */
export function unconsumeOnFailure(provider: Provider, { unconsume, logger }: UnconsumePorts): void {
  const usedUp = new WeakSet<object>();
  const note = (token: AuthorizationCode | RefreshToken) => void usedUp.add(token);
  provider.on('authorization_code.consumed', note);
  provider.on('refresh_token.consumed', note);

  provider.use(async (ctx: KoaContextWithOIDC, next) => {
    await next();
    // No route of oidc-provider's matched: there is no OpenID context.
    const oidc: KoaContextWithOIDC['oidc'] | undefined = ctx.oidc;
    if (oidc?.route !== 'token' || ctx.status < 400) return;
    const { AuthorizationCode: code, RefreshToken: current, RotatedRefreshToken: rotated } = oidc.entities;
    for (const token of [code, current, rotated]) {
      if (token === undefined || !usedUp.has(token)) continue;
      try {
        await unconsume(token.kind, token.jti);
      } catch (error) {
        logger.warn({ err: error }, 'a code or refresh token stays used up');
      }
    }
  });
}
