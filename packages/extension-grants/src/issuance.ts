import type { Issuance } from './contract.ts';

/** `grantType` of the tokens that `createTokenTools` issues. */
export const SELF_ISSUED = 'self_issued';

const issuances = new WeakMap<object, Issuance>();

/**
 * How a token came to be, for the one hook that records every token (the engine's JWT customizer). Undefined for the
 * tokens of the engine's own grants.
 */
export function issuanceOf(token: object): Issuance | undefined {
  return issuances.get(token);
}

/** Notes it; done before the token is saved, so that the hook finds it. */
export function noteIssuance(token: object, issuance: Issuance): void {
  issuances.set(token, issuance);
}
