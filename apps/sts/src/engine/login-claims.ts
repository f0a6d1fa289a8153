import { issuanceOf } from '@behalf/extension-grants';
import type { AccessToken, ClientCredentials, KoaContextWithOIDC } from 'oidc-provider';
import { sessionIdOf } from '../storage/digest.ts';
import type { UserStore } from '../storage/types.ts';

type Token = AccessToken | ClientCredentials;

/**
 * The claims that a token takes from the login behind it: `sid`, `auth_time` and `amr` of the original login, and the
 * user's `may_act` (RFC 8693 §4.4). A token that was derived from another one keeps what its grant gave it: the same
 * claims, carried along.
 */
export function createLoginClaims(users: Pick<UserStore, 'findById'>) {
  return async (
    ctx: KoaContextWithOIDC | undefined,
    token: Token,
  ): Promise<Record<string, unknown> | undefined> => {
    const given: Record<string, unknown> = token.extra ?? {};
    if (!isForUser(token) || issuanceOf(token)?.from !== undefined) return token.extra;
    const user = await users.findById(token.accountId);
    return {
      ...given,
      ...(user?.mayAct == null ? {} : { may_act: user.mayAct }),
      ...(token.sessionUid === undefined ? {} : loginOf(ctx, token.sessionUid)),
    };
  };
}

function loginOf(ctx: KoaContextWithOIDC | undefined, sessionUid: string): Record<string, unknown> {
  const { AuthorizationCode: code, RefreshToken: refreshToken } = ctx?.oidc.entities ?? {};
  const { authTime, amr } = code ?? refreshToken ?? {};
  return {
    sid: sessionIdOf(sessionUid),
    ...(authTime === undefined ? {} : { auth_time: authTime }),
    ...(amr === undefined ? {} : { amr }),
  };
}

function isForUser(token: Token): token is AccessToken {
  return token.kind === 'AccessToken';
}
