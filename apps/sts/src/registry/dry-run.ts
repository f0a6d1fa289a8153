/** An exchange that does not happen: the decision about a token that need not exist. Nothing is issued, read or recorded. */

import { nestActor } from '@behalf/auth';
import { derive, type GrantClient, type SubjectToken } from '@behalf/extension-grants';
import type { ApiRegistry } from './apis.ts';
import { decideDelegation } from './decide-delegation.ts';
import type { DelegationPolicy, DelegationRule } from './delegation-policy.ts';

export interface DryRunQuestion {
  readonly policy: DelegationPolicy;
  readonly apis: ApiRegistry;
  readonly grantType: string;
  readonly actor: GrantClient;
  readonly subjectToken: {
    /** Resource identifier. */
    readonly audience: string;
    /** Default: a user's. */
    readonly subject?: 'user' | 'client';
    readonly scopes: readonly string[];
    /** The current actor first. */
    readonly actors: readonly string[];
    /** `may_act`; undefined when the token has none. */
    readonly mayAct?: unknown;
  };
  /** Resource identifier; undefined when the scopes alone say it. */
  readonly target: string | undefined;
  /** Empty: none are asked for. */
  readonly scopes: readonly string[];
  readonly hasDpopProof: boolean;
}

export type DryRun =
  | {
      readonly ok: true;
      readonly rule: DelegationRule;
      readonly scopes: readonly string[];
      readonly target: string;
      /** Of the new token, the current actor first. */
      readonly actors: readonly string[];
    }
  | {
      readonly ok: false;
      /** `policy`: the table and the registry refuse. `subject_token`: the table allows it, the token does not. */
      readonly by: 'policy' | 'subject_token';
      readonly fault: string;
      readonly description: string;
    };

/**
 * Decides as an exchange does, with the same two functions. Not checked: whether the token is active, and whether the user
 * has blocked the actor, which the ledger knows.
 */
export function dryRun(question: DryRunQuestion): DryRun {
  const { policy, apis, grantType, actor, target, scopes, hasDpopProof } = question;
  const subjectToken = exampleToken(question.subjectToken);
  const decision = decideDelegation({
    policy,
    apis,
    grantType,
    actor,
    subjectToken,
    requested: {
      scopes,
      target: target ?? apis.ownerOf(scopes[0] ?? '')?.identifier,
      targetIsNamed: target !== undefined,
    },
    hasDpopProof,
  });
  if (!decision.ok) {
    return { ok: false, by: 'policy', fault: decision.fault, description: decision.description };
  }
  const derived = derive({ grantType, subjectToken, actor: actor.id, dpopThumbprint: undefined });
  if (!derived.ok) {
    const { detail = 'subject_token', description } = derived.refusal;
    return { ok: false, by: 'subject_token', fault: detail, description };
  }
  return {
    ok: true,
    rule: decision.rule,
    scopes: decision.scopes,
    target: decision.target,
    actors: derived.actorChain,
  };
}

function exampleToken(token: DryRunQuestion['subjectToken']): SubjectToken {
  const { audience, subject = 'user', scopes, actors, mayAct } = token;
  const act = actors.reduceRight<SubjectToken['act']>((prior, actor) => nestActor(actor, prior), undefined);
  return {
    kind: 'access_token',
    subject: subject === 'client' ? 'example.client' : 'example',
    jti: 'example',
    expiresAt: Number.MAX_SAFE_INTEGER,
    issuer: 'example',
    audience,
    clientId: 'example.client',
    scopes,
    act,
    actorChain: actors,
    mayAct,
    sessionId: undefined,
    authTime: undefined,
    authenticationMethods: undefined,
    confirmation: undefined,
    claims: {},
  };
}
