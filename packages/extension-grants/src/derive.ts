import { type ActClaim, checkMayAct, nestActor, parseActorChain } from '@behalf/auth';
import type { Refusal, SubjectToken } from './contract.ts';
import { refuse } from './results.ts';

/** RFC 8693 §2.1. */
export const TOKEN_EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';

/**
 * The code for whatever is wrong with a subject token or its user: `invalid_request` in a token exchange (RFC 8693
 * §2.2.2), `invalid_grant` in every other grant (RFC 6749 §5.2).
 */
export function subjectTokenErrorOf(grantType: string): 'invalid_request' | 'invalid_grant' {
  return grantType === TOKEN_EXCHANGE_GRANT ? 'invalid_request' : 'invalid_grant';
}

export interface Derivation {
  readonly grantType: string;
  readonly subjectToken: SubjectToken;
  readonly actor: string;
  /** Thumbprint of the DPoP proof of this very request. */
  readonly dpopThumbprint: string | undefined;
}

export type Derived =
  | {
      readonly ok: true;
      /** Claims that stay with the user through every exchange, and the new `act`. */
      readonly claims: Readonly<Record<string, unknown>>;
      readonly actorChain: readonly string[];
    }
  | { readonly ok: false; readonly refusal: Refusal };

/**
 * What a token that is derived from another one takes over: the chain of actors with the new actor in front (RFC 8693
 * §4.1), `may_act` (§4.4) and the original login. Refused: a malformed chain, an actor whom `may_act` does not permit or
 * who acted before, and a token that is bound to a key.
 *
 * Of a bound token (`cnf`, RFC 7800) possession has to be shown: it passes only together with a DPoP proof of the same
 * key (RFC 9449 §4). That it reached a middle tier is no such proof, and it is never taken as a bearer token.
 *
 * Every token is issued through this. A validator that first asks somebody else may ask this before.
 */
export function derive(derivation: Derivation): Derived {
  const { subjectToken, actor } = derivation;
  const prior = parseActorChain(subjectToken.act);
  if (!prior.ok) return refused(derivation, prior.description, 'subject_token', 'malformed_actor');
  if (subjectToken.confirmation !== undefined && !isProven(derivation)) {
    return refused(derivation, 'the subject token is bound to a key', 'subject_token', 'sender_constrained');
  }
  const mayAct = checkMayAct(subjectToken.mayAct, actor);
  if (!mayAct.ok) return refused(derivation, mayAct.description, 'policy', `may_act_${mayAct.detail}`);
  if (prior.actors.includes(actor)) {
    return refused(derivation, 'the client acts already in the chain', 'policy', 'cycle');
  }
  const act = nestActor(actor, subjectToken.act);
  const chain = parseActorChain(act);
  if (!chain.ok) return refused(derivation, 'the chain of actors would be too deep', 'policy', 'depth');
  return { ok: true, claims: carriedClaims(subjectToken, act), actorChain: chain.actors };
}

/** `amr` and `auth_time` are those of the original login, and absent when nothing is known of one. */
function carriedClaims(subjectToken: SubjectToken, act: ActClaim): Record<string, unknown> {
  return {
    act,
    ...(subjectToken.mayAct === undefined ? {} : { may_act: subjectToken.mayAct }),
    ...(subjectToken.sessionId === undefined ? {} : { sid: subjectToken.sessionId }),
    ...(subjectToken.authTime === undefined ? {} : { auth_time: subjectToken.authTime }),
    ...(subjectToken.authenticationMethods === undefined
      ? {}
      : { amr: [...subjectToken.authenticationMethods] }),
  };
}

function isProven({ subjectToken, dpopThumbprint }: Derivation): boolean {
  const members = Object.entries(subjectToken.confirmation ?? {});
  return (
    members.length === 1 &&
    dpopThumbprint !== undefined &&
    subjectToken.confirmation?.['jkt'] === dpopThumbprint
  );
}

function refused(
  { grantType, subjectToken }: Derivation,
  description: string,
  reason: string,
  detail: string,
): Derived {
  return {
    ok: false,
    refusal: refuse(subjectTokenErrorOf(grantType), description, {
      reason,
      detail,
      subjectToken,
    }),
  };
}
