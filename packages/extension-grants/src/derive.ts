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
  readonly from: SubjectToken;
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
  const { from, actor } = derivation;
  const prior = parseActorChain(from.act);
  if (!prior.ok) return subjectToken(derivation, prior.description, 'malformed_actor');
  if (from.confirmation !== undefined && !isProven(derivation)) {
    return subjectToken(derivation, 'the subject token is bound to a key', 'sender_constrained');
  }
  const mayAct = checkMayAct(from.mayAct, actor);
  if (!mayAct.ok) return policy(derivation, mayAct.description, `may_act_${mayAct.fault}`);
  if (prior.actors.includes(actor)) {
    return policy(derivation, 'the client acts already in the chain', 'cycle');
  }
  const act = nestActor(actor, from.act);
  const chain = parseActorChain(act);
  if (!chain.ok) return policy(derivation, 'the chain of actors would be too deep', 'depth');
  return { ok: true, claims: carriedClaims(from, act), actorChain: chain.actors };
}

/** `amr` and `auth_time` are those of the original login, and absent when nothing is known of one. */
function carriedClaims(from: SubjectToken, act: ActClaim): Record<string, unknown> {
  return {
    act,
    ...(from.mayAct === undefined ? {} : { may_act: from.mayAct }),
    ...(from.sessionId === undefined ? {} : { sid: from.sessionId }),
    ...(from.authTime === undefined ? {} : { auth_time: from.authTime }),
    ...(from.authenticationMethods === undefined ? {} : { amr: [...from.authenticationMethods] }),
  };
}

function isProven({ from, dpopThumbprint }: Derivation): boolean {
  const members = Object.entries(from.confirmation ?? {});
  return (
    members.length === 1 && dpopThumbprint !== undefined && from.confirmation?.['jkt'] === dpopThumbprint
  );
}

function subjectToken(derivation: Derivation, description: string, cause: string): Derived {
  return refused(derivation, description, 'subject_token', cause);
}

function policy(derivation: Derivation, description: string, cause: string): Derived {
  return refused(derivation, description, 'policy', cause);
}

function refused(
  { grantType, from }: Derivation,
  description: string,
  reason: string,
  cause: string,
): Derived {
  return { ok: false, refusal: refuse(subjectTokenErrorOf(grantType), description, { reason, cause, from }) };
}
