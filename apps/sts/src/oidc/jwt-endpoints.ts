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

export interface IntrospectionPorts {
  readonly apis: ApiRegistry;
  /** Genuine, ours, and live; undefined otherwise. An outage is thrown. */
  readonly findLiveToken: (jwt: string) => Promise<SubjectToken | undefined>;
}

/**
 * Answers token introspection (RFC 7662) for our JWT access tokens, which oidc-provider itself keeps no record of. It runs
 * behind oidc-provider, so the client is authenticated. A token is shown to the API it is for and to the client it was
 * issued to; to anyone else it is inactive (§2.2), as are an expired, revoked or foreign one.
 */
export function introspectJwts({ apis, findLiveToken }: IntrospectionPorts) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next();
    const jwt = structuredTokenOf(ctx, 'introspection');
    if (jwt === undefined) return;
    const clientId = ctx.oidc.client?.clientId ?? '';
    const token = await findLiveToken(jwt);
    ctx.status = 200;
    ctx.body = token !== undefined && maySee(clientId, token, apis) ? describe(token) : { active: false };
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

/** The JWT that an authenticated client sent to an endpoint which oidc-provider has only opaque tokens for. */
export function structuredTokenOf(ctx: KoaContextWithOIDC, route: string): string | undefined {
  // No route of oidc-provider's matched: there is no OpenID context.
  const oidc: KoaContextWithOIDC['oidc'] | undefined = ctx.oidc;
  if (oidc?.route !== route || oidc.client === undefined) return undefined;
  const body: unknown = ctx.body;
  const isUnsupported =
    typeof body === 'object' && body !== null && 'error' in body && body.error === 'unsupported_token_type';
  const token: unknown = oidc.params?.['token'];
  return isUnsupported && typeof token === 'string' ? token : undefined;
}

function maySee(clientId: string, token: SubjectToken, apis: ApiRegistry): boolean {
  return token.clientId === clientId || apis.hasRight(clientId, token.audience, 'introspect');
}

function describe(token: SubjectToken): Record<string, unknown> {
  const isBound = typeof token.confirmation?.['jkt'] === 'string';
  return { ...token.claims, active: true, token_type: isBound ? 'DPoP' : 'Bearer' };
}

export interface RevocationPorts {
  readonly revocation: Pick<Revocation, 'revokeToken' | 'endGrant'>;
  /** Genuine and ours, live or not; undefined otherwise. */
  readonly verify: (jwt: string) => Promise<VerifiedToken | undefined>;
}

const FOREIGN = 'the token was not issued to this client';

/**
 * Revokes our JWT access tokens (RFC 7009), which oidc-provider keeps no record of: the token and all that was derived from
 * it. It runs behind oidc-provider, so the client is authenticated. Another client's token is refused (§2.1); what is no
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
 * oidc-provider's policy for its own records. A refresh token's end is the end of the client's grant in that session, with
 * all its tokens and descendants. An opaque access token ends alone: oidc-provider would end the grant's refresh tokens
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
