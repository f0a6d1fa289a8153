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
 * A derived token takes over the chain of actors with the new actor in front (RFC 8693 §4.1), `may_act` (§4.4) and
 * the original login. Refused: a malformed chain, an actor that `may_act` does not permit or that acted before, and a
 * bound token without a proof.
 *
 * Every derived token is issued through this. A grant that first asks another service asks this before.
 */
export function derive(derivation: Derivation): Derived {
  const { subjectToken, actor, dpopThumbprint } = derivation;
  const prior = parseActorChain(subjectToken.act);
  if (!prior.ok) return refused(derivation, prior.description, 'subject_token', 'malformed_actor');
  if (!provesPossession(subjectToken, dpopThumbprint, 'any')) {
    const description = 'the subject token is bound to a key: send a DPoP proof';
    const options = { reason: 'subject_token', detail: 'sender_constrained', subjectToken };
    return { ok: false, refusal: refuse('invalid_dpop_proof', description, options) };
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

/**
 * Whether a token that is bound to a key (`cnf`, RFC 7800) may be used with this request's DPoP proof. The client of the
 * API in `aud` has checked its holder's proof and adds one of its own key (`any`), so that a bound token never becomes a
 * bearer token; the holder itself proves the very key (`same`, RFC 9449 §6.1). A confirmation other than `jkt` is never met.
 */
export function provesPossession(
  { confirmation }: SubjectToken,
  dpopThumbprint: string | undefined,
  key: 'any' | 'same',
): boolean {
  if (confirmation === undefined) return true;
  const { jkt, ...others } = confirmation;
  if (typeof jkt !== 'string' || Object.keys(others).length > 0 || dpopThumbprint === undefined) return false;
  return key === 'any' || jkt === dpopThumbprint;
}

/** `amr` and `auth_time` are those of the original login, and absent when nothing is known of one. */
function carriedClaims(subjectToken: SubjectToken, act: ActClaim): Record<string, unknown> {
  const { mayAct, sessionId, authTime, authenticationMethods } = subjectToken;
  return {
    act,
    ...(mayAct !== undefined && { may_act: mayAct }),
    ...(sessionId !== undefined && { sid: sessionId }),
    ...(authTime !== undefined && { auth_time: authTime }),
    ...(authenticationMethods !== undefined && { amr: [...authenticationMethods] }),
  };
}

function refused(
  { grantType, subjectToken }: Derivation,
  description: string,
  reason: string,
  detail: string,
): Derived {
  const options = { reason, detail, subjectToken };
  return { ok: false, refusal: refuse(subjectTokenErrorOf(grantType), description, options) };
}
