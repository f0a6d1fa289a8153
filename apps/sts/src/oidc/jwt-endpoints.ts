import type { AccessToken as VerifiedToken } from '@behalf/auth';
import type { SubjectToken } from '@behalf/extension-grants';
import {
  type AccessToken,
  type ClientCredentials,
  errors,
  type KoaContextWithOIDC,
  type RefreshToken,
} from 'oidc-provider';
import type { ApiRegistry } from '../registry/apis.ts';
import type { Revocation } from '../state/revocation.ts';
import { answerError, type RouteMiddleware } from './routes.ts';

/**
 * Token introspection (RFC 7662) of our JWT access tokens, which oidc-provider itself has no record of. A token is shown to
 * the API that it is for and to the client that it was issued to; to any other client it is inactive (§2.2), as is one that
 * expired, was revoked or is not ours. A public client is refused, because its id authenticates no one (§2.1).
 *
 * `findLiveToken` resolves with a token that is genuine, ours and active, else undefined; an outage is thrown.
 */
export function introspectJwts(
  apis: ApiRegistry,
  findLiveToken: (jwt: string) => Promise<SubjectToken | undefined>,
): RouteMiddleware {
  return async (ctx, next) => {
    await next();
    const { client } = ctx.oidc;
    if (client?.clientAuthMethod === 'none') {
      ctx.set('WWW-Authenticate', `Basic realm="${ctx.oidc.issuer}"`);
      return answerError(ctx, 401, 'invalid_client', 'introspection requires client authentication');
    }
    const jwt = structuredTokenOf(ctx);
    if (client === undefined || jwt === undefined) return;
    const token = await findLiveToken(jwt);
    const isVisible =
      token !== undefined &&
      (token.clientId === client.clientId || apis.hasRight(client.clientId, token.audience, 'introspect'));
    ctx.status = 200;
    ctx.body = isVisible ? describe(token) : { active: false };
  };
}

/** oidc-provider's policy for its own records: a client sees its own opaque and refresh tokens. */
export function mayIntrospectRecord(
  _ctx: KoaContextWithOIDC,
  client: { readonly clientId: string },
  token: { readonly clientId?: string | undefined },
): boolean {
  return token.clientId === client.clientId;
}

/** The JWT that an authenticated client sent to an endpoint for which oidc-provider knows only opaque tokens. */
function structuredTokenOf(ctx: KoaContextWithOIDC): string | undefined {
  const body = ctx.body as { error?: unknown } | null | undefined;
  const token: unknown = ctx.oidc.params?.['token'];
  return body?.error === 'unsupported_token_type' && typeof token === 'string' ? token : undefined;
}

function describe(token: SubjectToken): Record<string, unknown> {
  const isBound = typeof token.confirmation?.['jkt'] === 'string';
  return { ...token.claims, active: true, token_type: isBound ? 'DPoP' : 'Bearer' };
}

const FOREIGN = 'the token was not issued to this client';

/**
 * Token revocation (RFC 7009) of our JWT access tokens: the token and everything derived from it. Another client's token is
 * refused (§2.1). A value that is no token of ours, or has expired, is answered like a success (§2.2): 200 without content.
 *
 * `verify` resolves with a token that is genuine and ours, active or not, else undefined.
 */
export function revokeJwts(
  revocation: Revocation,
  verify: (jwt: string) => Promise<VerifiedToken | undefined>,
): RouteMiddleware {
  return async (ctx, next) => {
    await next();
    const jwt = structuredTokenOf(ctx);
    if (jwt !== undefined) {
      const token = await verify(jwt);
      if (token !== undefined && token.clientId !== ctx.oidc.client?.clientId) {
        return answerError(ctx, 400, 'invalid_request', FOREIGN);
      }
      if (token !== undefined) await revocation.revokeToken(token.jti);
    } else if (ctx.status !== 200) return;
    ctx.remove('Content-Type');
    ctx.body = null;
    ctx.status = 200;
  };
}

/**
 * oidc-provider's policy for its own records. Revoking a refresh token ends the client's grant in that session, with all its
 * tokens and descendants. An opaque access token ends alone: oidc-provider would end the grant's refresh tokens as well, so
 * it is told that there is nothing left to do.
 */
export function createRevocationPolicy(revocation: Revocation) {
  return async (
    _ctx: KoaContextWithOIDC,
    client: { readonly clientId: string },
    token: AccessToken | ClientCredentials | RefreshToken,
  ): Promise<boolean> => {
    if (token.clientId !== client.clientId) throw new errors.InvalidRequest(FOREIGN);
    if (token.kind === 'RefreshToken') {
      if (token.grantId !== undefined) await revocation.endGrant(token.grantId);
      return true;
    }
    await token.destroy();
    return false;
  };
}
