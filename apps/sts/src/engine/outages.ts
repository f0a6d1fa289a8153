import type { EventEmitter } from 'node:events';
import { isUnavailable } from '@behalf/database';
import { currentRequestId, type Logger } from '@behalf/service';
import type { Provider } from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { troublePage } from '../interactions/message-pages.ts';
import { loggedPath } from './logged-path.ts';
import { answerWithPage } from './page-response.ts';

const RETRY_AFTER_SECONDS = 5;

/**
 * What the engine could not finish because of us is logged, once, without any value of the request. When the database
 * is out of reach the answer is 503 with `Retry-After`; otherwise the engine's own 500 stands, which tells nothing.
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

/** The engine leaves a path or method it has no route for to Koa, which would say so in plain text. */
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
