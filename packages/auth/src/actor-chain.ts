/**
 * The `act` claim (RFC 8693 §4.1) and the `may_act` claim (§4.4). These are the only functions that read or write either
 * claim.
 */

import { isObject } from './options.ts';
import { refuse, type Refusal } from './refusal.ts';

/** An actor as it stands in a token: the current actor outermost, the actors before it nested inside. */
export interface ActClaim {
  readonly sub: string;
  readonly act?: ActClaim;
  readonly [claim: string]: unknown;
}

/** `actors` has the current actor first. It is empty when there is no `act`. */
export type ParsedActorChain =
  { readonly ok: true; readonly actors: readonly string[] } | Refusal<'malformed'>;

/** A chain with more actors is malformed, whatever a policy says, because it would make work and headers too large. */
export const MAXIMUM_ACTOR_CHAIN_DEPTH = 16;

/** RFC 8693 §4.1: these say nothing about an actor and are not used within `act`. */
const MEANINGLESS_IN_ACT = ['exp', 'nbf', 'iat', 'aud'] as const;

/**
 * Reads an `act` claim, outermost first, without recursion.
 * Not checked: whether any of these actors was allowed to act, and whether one stands in the chain twice.
 */
export function parseActorChain(act: unknown): ParsedActorChain {
  const actors: string[] = [];
  for (let level = act; level !== undefined;) {
    if (!isObject(level)) return refuse('malformed', 'act is not an object');
    if (typeof level['sub'] !== 'string' || level['sub'] === '') return refuse('malformed', 'act has no sub');
    for (const claim of MEANINGLESS_IN_ACT) {
      if (Object.hasOwn(level, claim)) return refuse('malformed', `act contains ${claim}`);
    }
    actors.push(level['sub']);
    if (actors.length > MAXIMUM_ACTOR_CHAIN_DEPTH) return refuse('malformed', 'act is nested too deeply');
    level = level['act'];
  }
  return { ok: true, actors };
}

/** The `act` claim of a token in which `actor` is the current actor and `prior` holds the prior actors (RFC 8693 §4.1). */
export function nestActor(actor: string, prior: ActClaim | undefined): ActClaim {
  return prior === undefined ? { sub: actor } : { sub: actor, act: prior };
}

export type MayActVerdict = { readonly ok: true } | Refusal<'malformed' | 'not_permitted'>;

/**
 * Whether a token's `may_act` (RFC 8693 §4.4) permits `actor`. Without `may_act` the token permits any actor. A claim with
 * members beside `sub` (an `iss`, say) permits no actor, because these cannot be compared here.
 */
export function checkMayAct(mayAct: unknown, actor: string): MayActVerdict {
  if (mayAct === undefined) return { ok: true };
  if (!isObject(mayAct) || typeof mayAct['sub'] !== 'string' || mayAct['sub'] === '') {
    return refuse('malformed', 'may_act is malformed');
  }
  if (Object.keys(mayAct).length > 1 || mayAct['sub'] !== actor) {
    return refuse('not_permitted', 'may_act does not permit this actor');
  }
  return { ok: true };
}
