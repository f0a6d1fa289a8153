import type { Logger } from '@behalf/service';
import type { AuthorizationCode, KoaContextWithOIDC, Provider, RefreshToken } from 'oidc-provider';

export interface GiveBackPorts {
  /** Makes a code or refresh token that was used up good for another use. */
  readonly release: (model: 'AuthorizationCode' | 'RefreshToken', id: string) => Promise<void>;
  readonly logger: Logger;
}

/**
 * A code or refresh token that a request used up, and that then failed nevertheless, is given back: the engine looks at
 * `resource` only after it, and the server itself may fail. Nothing was handed out for it, and the client's next try would
 * otherwise be a replay and end its login. Whoever replays it meanwhile still ends the login. When the database is away
 * this fails as well, and the user signs in again.
 */
export function giveBackOnFailure(provider: Provider, { release, logger }: GiveBackPorts): void {
  const usedUp = new WeakSet<object>();
  const note = (token: AuthorizationCode | RefreshToken) => void usedUp.add(token);
  provider.on('authorization_code.consumed', note);
  provider.on('refresh_token.consumed', note);

  provider.use(async (ctx: KoaContextWithOIDC, next) => {
    await next();
    // No route of the engine's matched: there is no OpenID context.
    const oidc: KoaContextWithOIDC['oidc'] | undefined = ctx.oidc;
    if (oidc?.route !== 'token' || ctx.status < 400) return;
    const { AuthorizationCode: code, RefreshToken: current, RotatedRefreshToken: rotated } = oidc.entities;
    for (const token of [code, current, rotated]) {
      if (token === undefined || !usedUp.has(token)) continue;
      try {
        await release(token.kind, token.jti);
      } catch (error) {
        logger.warn({ err: error }, 'a code or refresh token stays used up');
      }
    }
  });
}
