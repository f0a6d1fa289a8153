/**
 * The `act` claim (RFC 8693 §4.1) and the `may_act` claim (§4.4): who acts for a user, and who may.
 * These are the only functions that read or write either claim.
 */

/** An actor as it stands in a token: the current actor outermost, the actors before it nested inside. */
export interface ActClaim {
  readonly sub: string;
  readonly act?: ActClaim;
  readonly [claim: string]: unknown;
}

export type ParsedActorChain =
  | {
      readonly ok: true;
      /** The current actor first. Empty when there is no `act`. */ readonly actors: readonly string[];
    }
  | { readonly ok: false; readonly description: string };

/** More actors than this in one chain is malformed, whatever a policy says: it bounds work and header size. */
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
    if (!isObject(level)) return malformed('act is not an object');
    if (typeof level['sub'] !== 'string' || level['sub'] === '') return malformed('act has no sub');
    for (const claim of MEANINGLESS_IN_ACT) {
      if (Object.hasOwn(level, claim)) return malformed(`act contains ${claim}`);
    }
    actors.push(level['sub']);
    if (actors.length > MAXIMUM_ACTOR_CHAIN_DEPTH) return malformed('act is nested too deeply');
    level = level['act'];
  }
  return { ok: true, actors };
}

/** The `act` claim of a token in which `actor` acts and everyone in `prior` acted before (RFC 8693 §4.1). */
export function nestActor(actor: string, prior: ActClaim | undefined): ActClaim {
  return prior === undefined ? { sub: actor } : { sub: actor, act: prior };
}

export type MayActVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly detail: 'malformed' | 'not_permitted'; readonly description: string };

/**
 * Whether a token's `may_act` (RFC 8693 §4.4) lets `actor` act. No `may_act`: the token itself restricts nobody.
 * Members other than `sub` (an `iss`, say) narrow whom it names, and no actor of ours satisfies what we cannot
 * compare, so such a claim permits nobody.
 */
export function checkMayAct(mayAct: unknown, actor: string): MayActVerdict {
  if (mayAct === undefined) return { ok: true };
  if (!isObject(mayAct) || typeof mayAct['sub'] !== 'string' || mayAct['sub'] === '') {
    return { ok: false, detail: 'malformed', description: 'may_act is malformed' };
  }
  if (Object.keys(mayAct).length > 1 || mayAct['sub'] !== actor) {
    return { ok: false, detail: 'not_permitted', description: 'may_act does not permit this actor' };
  }
  return { ok: true };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(description: string): ParsedActorChain {
  return { ok: false, description };
}
