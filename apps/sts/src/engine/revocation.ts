import type { AccessToken as VerifiedToken } from '@behalf/auth';
import {
  errors,
  type AccessToken,
  type ClientCredentials,
  type KoaContextWithOIDC,
  type RefreshToken,
} from 'oidc-provider';
import type { Revocation } from '../ledger/types.ts';
import { structuredTokenOf } from './introspection.ts';

export interface RevocationPorts {
  readonly revocation: Pick<Revocation, 'revokeToken' | 'endGrant'>;
  /** Genuine and ours, live or not; undefined otherwise. */
  readonly verify: (jwt: string) => Promise<VerifiedToken | undefined>;
}

const FOREIGN = 'the token was not issued to this client';

/**
 * Revokes our JWT access tokens (RFC 7009), which the engine keeps no record of: the token and all that was derived from
 * it. It runs behind the engine, so the client is authenticated. Another client's token is refused (§2.1); what is no
 * token of ours, or has expired, is answered like a success (§2.2).
 */
export function revokeJwts({ revocation, verify }: RevocationPorts) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next();
    const jwt = structuredTokenOf(ctx, 'revocation');
    if (jwt === undefined) return;
    const token = await verify(jwt);
    if (token !== undefined && token.clientId !== ctx.oidc.client?.clientId) {
      ctx.status = 400;
      ctx.body = { error: 'invalid_request', error_description: FOREIGN };
      return;
    }
    if (token !== undefined) await revocation.revokeToken(token.jti);
    ctx.status = 200;
    ctx.body = '';
  };
}

/**
 * The engine's policy for its own records. A refresh token's end is the end of the client's grant in that session, with
 * all its tokens and descendants. An opaque access token ends alone: the engine would end the grant's refresh tokens
 * along with it, so it is told that there is nothing left to do.
 */
export function createRevocationPolicy(revocation: Pick<Revocation, 'endGrant'>) {
  return async (
    _ctx: KoaContextWithOIDC,
    client: { readonly clientId: string },
    token: AccessToken | ClientCredentials | RefreshToken,
  ): Promise<boolean> => {
    if (token.clientId !== client.clientId) throw new errors.InvalidRequest(FOREIGN);
    if (token.kind === 'RefreshToken') {
      const { grantId } = token;
      if (grantId !== undefined) await revocation.endGrant(grantId);
      return true;
    }
    await token.destroy();
    return false;
  };
}
