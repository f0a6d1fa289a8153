import { errors, type Client, type KoaContextWithOIDC } from 'oidc-provider';

/** An assertion is made for one request; until it expires its `jti` has to be remembered. */
const MAXIMUM_LIFETIME_SECONDS = 3600;
const TOLERANCE_SECONDS = 5;

/**
 * What the engine leaves open about a client assertion (RFC 7523 §3) whose signature it has checked: it is for this
 * server alone, since whoever else it names could present it here, was not issued in the future, and does not live long.
 * Refused with `invalid_client`.
 */
export function createAssertionCheck(now: () => number) {
  return async (
    _ctx: KoaContextWithOIDC,
    { aud, exp, iat }: Record<string, unknown>,
    _header: Record<string, unknown>,
    _client: Client,
  ): Promise<void> => {
    if (Array.isArray(aud) && aud.length !== 1) throw refused('it has several audiences');
    if (typeof exp !== 'number' || exp > now() + MAXIMUM_LIFETIME_SECONDS) throw refused('it lives too long');
    if (iat === undefined) return;
    if (typeof iat !== 'number' || iat > now() + TOLERANCE_SECONDS)
      throw refused('it was issued in the future');
  };
}

function refused(why: string) {
  return new errors.InvalidClientAuth(`the client assertion is not acceptable: ${why}`);
}
