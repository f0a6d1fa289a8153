import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { RefusedRequest } from './contract.ts';
import { type SeenRequest, seenRequestOf } from './grant-handler.ts';

export interface TokenAnswerOptions {
  readonly onRefused: ((refused: RefusedRequest) => Promise<void>) | undefined;
  /** Hears of what went wrong in `onRefused`; the answer stands nevertheless. */
  readonly onFailure: (error: unknown) => void;
  /** Epoch seconds. */
  readonly now: () => number;
}

/** oidc-provider's words for a client that is not registered for a grant. */
const NOT_ALLOWED = 'requested grant type is not allowed for this client';

/** oidc-provider gives these errors only to an authenticated client. `invalid_request` is not among them: it may come first. */
const AFTER_AUTHENTICATION: ReadonlySet<string> = new Set([
  'unsupported_grant_type',
  'unauthorized_client',
  'invalid_grant',
  'invalid_scope',
  'invalid_target',
]);

/** Of a grant that did not refuse, these say that something broke, or that the client is to try again (RFC 9449 §8). */
const NO_REFUSAL: ReadonlySet<string> = new Set([
  'server_error',
  'temporarily_unavailable',
  'use_dpop_nonce',
]);

const MAXIMUM_NAME_LENGTH = 200;

/**
 * Middleware around oidc-provider's token endpoint: answers are JSON, whatever `Accept` says (RFC 6749 §5); a client that
 * may not use a grant is told `unauthorized_client` (§5.2); a refusal brings its own members and `Retry-After`; refusals
 * of authenticated clients are reported before they are sent.
 */
export function createTokenAnswers(provider: Provider, options: TokenAnswerOptions) {
  const tokenPath = provider.pathFor('token', { mountPath: '' });

  return async function answerTokenRequest(ctx: KoaContextWithOIDC, next: () => Promise<void>) {
    const isTokenRequest = ctx.path === tokenPath && ctx.method === 'POST';
    if (isTokenRequest) ctx.req.headers.accept = 'application/json';
    await next();
    if (isTokenRequest && isErrorBody(ctx.body)) await answerError(ctx, { ...ctx.body });
  };

  async function answerError(ctx: KoaContextWithOIDC, body: ErrorBody): Promise<void> {
    if (body.error === 'invalid_request' && body['error_description'] === NOT_ALLOWED) {
      body.error = 'unauthorized_client';
    }
    if (ctx.status === 401 && !ctx.res.hasHeader('WWW-Authenticate')) {
      ctx.set('WWW-Authenticate', `Basic realm="${provider.issuer}"`);
    }
    const seen = seenRequestOf(ctx);
    if (seen?.refusal !== undefined) {
      const { response, reason, retryAfterSeconds } = seen.refusal;
      for (const [name, value] of Object.entries(response)) body[name] ??= value;
      if (reason !== undefined) body['reason'] = reason;
      if (retryAfterSeconds !== undefined) ctx.set('Retry-After', String(Math.ceil(retryAfterSeconds)));
    }
    ctx.body = body;
    await report(ctx, body.error, seen);
  }

  async function report(ctx: KoaContextWithOIDC, error: string, seen: SeenRequest | undefined) {
    const { client, params } = ctx.oidc;
    // A public client's id authenticates no one.
    if (options.onRefused === undefined || client === undefined || client.clientAuthMethod === 'none') return;
    const isRefusal =
      seen === undefined
        ? AFTER_AUTHENTICATION.has(error)
        : seen.refusal !== undefined || !NO_REFUSAL.has(error);
    if (!isRefusal) return;
    try {
      await options.onRefused({
        grantType: seen?.grantType ?? String(params?.['grant_type']).slice(0, MAXIMUM_NAME_LENGTH),
        clientId: client.clientId,
        error,
        reason: seen?.refusal?.reason,
        detail: seen?.refusal?.detail,
        subjectToken: seen?.refusal?.subjectToken,
        scopes: seen?.scopes ?? [],
        target: seen?.target,
        now: options.now(),
      });
    } catch (failure) {
      options.onFailure(failure);
    }
  }
}

interface ErrorBody {
  error: string;
  [member: string]: unknown;
}

function isErrorBody(body: unknown): body is ErrorBody {
  return typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string';
}
