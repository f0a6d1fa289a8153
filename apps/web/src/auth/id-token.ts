import type { IDToken } from 'oauth4webapi';
import { withoutControls } from '../text/original-text.ts';

export type IdTokenClaims = IDToken;

/** An answer of the authorization server that must not be used. */
export class InvalidAnswer extends Error {
  override readonly name = 'InvalidAnswer';
}

export interface IdTokenCheck {
  readonly clientId: string;
  /** Epoch seconds by the server's clock. */
  readonly now: number;
  readonly toleranceSeconds: number;
  /** For the ID token of a refresh: the claims of the sign-in's (OpenID Connect Core §12.2). */
  readonly first?: IdTokenClaims | undefined;
}

/**
 * The checks of OpenID Connect Core §3.1.3.7 that the library leaves to its caller, and those of §12.2. The library has
 * checked by now: `iss`, `exp` and `iat` present and numbers, `exp` ahead, this client in `aud`, `sub` a text, and the
 * nonce of a sign-in. Throws InvalidAnswer.
 */
export function checkIdToken(
  claims: IdTokenClaims,
  { clientId, now, toleranceSeconds, first }: IdTokenCheck,
) {
  const refuseIf = (isWrong: boolean, why: string) => {
    if (isWrong) throw new InvalidAnswer(`the ID token ${why}`);
  };
  const audiences = [claims.aud].flat();
  refuseIf(
    audiences.some((audience) => audience !== clientId),
    'has another audience besides this client (item 3)',
  );
  refuseIf(claims.azp !== undefined && claims.azp !== clientId, 'is for another authorized party (item 5)');
  refuseIf(claims.iat > now + toleranceSeconds, 'was issued in the future (item 10)');
  if (!first) return;
  refuseIf(claims.sub !== first.sub, 'is about another user (§12.2)');
  refuseIf(claims.azp !== first.azp, 'has another authorized party than before (§12.2)');
  refuseIf(
    claims.auth_time !== undefined && first.auth_time !== undefined && claims.auth_time !== first.auth_time,
    'tells another time of the sign-in (§12.2)',
  );
  refuseIf(claims.nonce !== undefined && claims.nonce !== first.nonce, 'has another nonce (§12.2)');
}

/** A name to show. Claims that are no text, or an empty one, are passed over. */
export function nameOf(claims: IdTokenClaims): string {
  const names = [claims['name'], claims['preferred_username'], claims['email'], claims.sub];
  for (const name of names) {
    const shown = typeof name === 'string' ? withoutControls(name).trim() : '';
    if (shown !== '') return shown;
  }
  return claims.sub;
}
