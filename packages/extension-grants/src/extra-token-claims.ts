import { isDeepStrictEqual } from 'node:util';

interface TokenWithExtra {
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * For the engine's `extraTokenClaims`, whose answer replaces what a token brought along: gives that back. An own
 * function merges its claims beneath it: `{ ...mine, ...extraTokenClaims(ctx, token) }`.
 */
export function extraTokenClaims(_ctx: unknown, token: object): Record<string, unknown> | undefined {
  const { extra } = token as TokenWithExtra;
  return extra === undefined ? undefined : { ...extra };
}

/** Throws when the engine's configuration dropped or changed a claim of the token: `act` among them. */
export function assertExtraKept(token: TokenWithExtra, stated: Readonly<Record<string, unknown>>): void {
  const kept = token.extra ?? {};
  for (const [name, value] of Object.entries(stated)) {
    if (!isDeepStrictEqual(kept[name], value)) {
      throw new Error(
        `the claim ${name} was lost: the engine's extraTokenClaims must return token.extra merged`,
      );
    }
  }
}
