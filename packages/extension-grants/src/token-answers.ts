import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { RefusedRequest, Refusal } from './contract.ts';
import { seenRequestOf } from './grant-handler.ts';

export interface TokenAnswerOptions {
  readonly onRefused: ((refused: RefusedRequest) => Promise<void>) | undefined;
  /** Hears of what went wrong in `onRefused`; the answer stands nevertheless. */
  readonly onFailure: (error: unknown) => void;
  readonly now: () => number;
}

/** oidc-provider's words for a client that is not registered for a grant. */
const NOT_ALLOWED = 'requested grant type is not allowed for this client';

/** Errors that oidc-provider gives only to an authenticated client. `invalid_request` is not among them: it may come first. */
const AFTER_AUTHENTICATION: ReadonlySet<unknown> = new Set([
  'unsupported_grant_type',
  'unauthorized_client',
  'invalid_grant',
  'invalid_scope',
  'invalid_target',
]);

/** Of a grant that did not refuse, these say that something broke, or that the client is to try again (RFC 9449 §8). */
const NO_REFUSAL: ReadonlySet<unknown> = new Set([
  'server_error',
  'temporarily_unavailable',
  'use_dpop_nonce',
]);

const MAXIMUM_NAME_LENGTH = 200;

/**
 * Middleware around oidc-provider's token endpoint: answers are JSON, whatever `Accept` says (RFC 6749 §5; that they are
 * not stored, oidc-provider sees to);
 * a client that may not use a grant is told `unauthorized_client` (§5.2); a refusal brings its own members and
 * `Retry-After`; refusals of authenticated clients are reported before they are sent.
 */
export function tokenAnswers(provider: Provider, options: TokenAnswerOptions) {
  const tokenPath = provider.pathFor('token', { mountPath: '' }).toLowerCase();

  return async function answerTokenRequest(
    ctx: KoaContextWithOIDC,
    next: () => Promise<void>,
  ): Promise<void> {
    const path = ctx.path.toLowerCase();
    if (ctx.method !== 'POST' || (path !== tokenPath && path !== `${tokenPath}/`)) {
      await next();
      return;
    }
    ctx.req.headers.accept = 'application/json';
    await next();

    const body = errorBodyOf(ctx.body);
    if (body === undefined) return;
    if (body['error'] === 'invalid_request' && body['error_description'] === NOT_ALLOWED) {
      body['error'] = 'unauthorized_client';
    }
    if (ctx.status === 401 && !ctx.res.hasHeader('WWW-Authenticate')) {
      ctx.set('WWW-Authenticate', `Basic realm="${provider.issuer}"`);
    }
    const refusal = seenRequestOf(ctx)?.refusal;
    if (refusal !== undefined) addRefusal(ctx, body, refusal);
    ctx.body = body;
    await report(ctx, String(body['error']), options);
  };
}

function errorBodyOf(body: unknown): Record<string, unknown> | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  return { ...body };
}

function addRefusal(ctx: KoaContextWithOIDC, body: Record<string, unknown>, refusal: Refusal): void {
  for (const [name, value] of Object.entries(refusal.response)) body[name] ??= value;
  if (refusal.reason !== undefined) body['reason'] = refusal.reason;
  if (refusal.retryAfterSeconds !== undefined)
    ctx.set('Retry-After', String(Math.ceil(refusal.retryAfterSeconds)));
}

async function report(ctx: KoaContextWithOIDC, error: string, options: TokenAnswerOptions): Promise<void> {
  const seen = seenRequestOf(ctx);
  const { client, params } = ctx.oidc;
  if (options.onRefused === undefined || client === undefined) return;
  if (
    seen === undefined
      ? !AFTER_AUTHENTICATION.has(error)
      : NO_REFUSAL.has(error) && seen.refusal === undefined
  )
    return;
  const refused: RefusedRequest = {
    grantType: seen?.grantType ?? String(params?.['grant_type']).slice(0, MAXIMUM_NAME_LENGTH),
    clientId: client.clientId,
    error,
    reason: seen?.refusal?.reason,
    detail: seen?.refusal?.detail,
    subjectToken: seen?.refusal?.subjectToken,
    scopes: seen?.scopes ?? [],
    target: seen?.target,
    now: options.now(),
  };
  try {
    await options.onRefused(refused);
  } catch (failure) {
    options.onFailure(failure);
  }
}
