import type { KoaContextWithOIDC } from 'oidc-provider';

/**
 * Adds `refresh_token_expires_in` to a token response that brings a refresh token: seconds that it has left
 * (draft-ietf-oauth-refresh-token-expiration). It ends with the login session, however often it is rotated, so a client
 * learns from it when the person will have to sign in again.
 */
export async function tellRefreshTokenLifetime(
  ctx: KoaContextWithOIDC,
  next: () => Promise<void>,
): Promise<void> {
  await next();
  // No route of the engine's matched: there is no OpenID context.
  const oidc: KoaContextWithOIDC['oidc'] | undefined = ctx.oidc;
  const refreshToken = oidc?.entities.RefreshToken;
  if (oidc?.route !== 'token' || ctx.status !== 200 || refreshToken === undefined) return;
  const body = ctx.body as Readonly<Record<string, unknown>>;
  if (body['refresh_token'] !== refreshToken.jti) return;
  ctx.body = { ...body, refresh_token_expires_in: refreshToken.remainingTTL };
}
