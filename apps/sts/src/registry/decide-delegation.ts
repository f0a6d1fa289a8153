/**
 * The policy's part of every exchange: may this client act for this subject, there, with these scopes, in so long a chain?
 * One pure function over the policy's table; every grant that exchanges a token asks it.
 */

import { type GrantClient, isClientToken, type SubjectToken } from '@behalf/extension-grants';
import type { ApiRegistry } from './apis.ts';
import type { DelegationRule, DelegationPolicy } from './delegation-policy.ts';

export interface DelegationQuestion {
  readonly policy: DelegationPolicy;
  readonly apis: ApiRegistry;
  readonly grantType: string;
  /** The authenticated client. */
  readonly actor: GrantClient;
  /** Verified, and live. */
  readonly subjectToken: SubjectToken;
  readonly requested: {
    /** Empty: none were asked for. */
    readonly scopes: readonly string[];
    /** Resource identifier that `audience`, `resource` and `scope` agree on. */
    readonly target: string | undefined;
    /** Whether `audience` or `resource` named the target, and not the scopes alone. */
    readonly targetIsNamed: boolean;
  };
  /** Whether the request came with a DPoP proof. */
  readonly hasDpopProof: boolean;
}

/** The fault that was found. `presenter`, `client_token` and `depth` lie in the subject token, the others in what was asked for. */
export type DelegationFault =
  'presenter' | 'client_token' | 'no_rule' | 'scope' | 'target' | 'depth' | 'dpop_required';

export type DelegationDecision =
  | {
      readonly ok: true;
      readonly rule: DelegationRule;
      readonly scopes: readonly string[];
      /** Resource identifier. */
      readonly target: string;
    }
  | { readonly ok: false; readonly fault: DelegationFault; readonly description: string };

/**
 * Decides on one exchange.
 * Not checked here: the subject token itself, `may_act` and cycles (`derive` does), and whether the user
 * took the right away again (the ledger knows).
 */
export function decideDelegation(question: DelegationQuestion): DelegationDecision {
  const { subjectToken, actor, requested, apis } = question;
  if (!mayPresent(question))
    return refuse('presenter', 'the subject token was not issued to be presented by this client');

  const { target, targetIsNamed } = requested;
  const rules = question.policy.filter((rule) => matchesSubjectToken(rule, question));
  const rulesForTarget =
    target === undefined ? rules : rules.filter((rule) => identifierOf(rule, apis) === target);
  const rulesForScopes = rulesForTarget.filter((rule) =>
    requested.scopes.every((scope) => rule.scopes.includes(scope)),
  );
  if (rulesForScopes.length === 0 && isClientToken(subjectToken))
    return refuse('client_token', 'the token has no user');
  if (rules.length === 0)
    return refuse('no_rule', 'the policy does not let this client act with such a token');
  if (rulesForTarget.length === 0 && targetIsNamed)
    return refuse('no_rule', 'the policy does not let this client act at the requested target');
  const [rule, other] = rulesForScopes;
  if (rule === undefined) return refuse('scope', 'a requested scope is outside what the policy allows');
  if (other !== undefined)
    return refuse('target', 'the request fits several targets or sets of scopes: name one');

  const scopes =
    requested.scopes.length > 0
      ? requested.scopes
      : rule.scopes.filter((scope) => actor.scopes.includes(scope));
  if (scopes.length === 0 || !scopes.every((scope) => actor.scopes.includes(scope))) {
    return refuse('scope', 'the client is not registered for the scopes');
  }
  if (subjectToken.actorChain.length + 1 > rule.maximumDepth)
    return refuse('depth', 'the chain of actors would be too deep');
  if (rule.requireDpop === true && !question.hasDpopProof) {
    return refuse('dpop_required', 'the policy wants the new token bound to a key: send a DPoP proof');
  }
  return { ok: true, rule, scopes, target: identifierOf(rule, apis) };
}

/** The presenter: a client that exchanges for the API in `aud`; for a trusted issuer's JWT the one that `azp` names. */
function mayPresent({ subjectToken, actor, apis }: DelegationQuestion): boolean {
  if (subjectToken.kind === 'external') return subjectToken.claims['azp'] === actor.id;
  return apis.hasRight(actor.id, subjectToken.audience, 'exchange');
}

function matchesSubjectToken(
  rule: DelegationRule,
  { grantType, actor, subjectToken, apis }: DelegationQuestion,
): boolean {
  if (rule.actor !== actor.id || !rule.by.includes(grantType)) return false;
  if ('issuer' in rule.subjectToken)
    return subjectToken.kind === 'external' && subjectToken.issuer === rule.subjectToken.issuer;
  return (
    subjectToken.kind === 'access_token' &&
    isClientToken(subjectToken) === (rule.subjectToken.subject === 'client') &&
    apis.find(rule.subjectToken.api)?.identifier === subjectToken.audience &&
    subjectToken.scopes.includes(rule.subjectToken.scope)
  );
}

function identifierOf(rule: DelegationRule, apis: ApiRegistry): string {
  const resource = apis.find(rule.to);
  if (resource === undefined) throw new Error(`the policy leads to ${rule.to}, which is not registered`);
  return resource.identifier;
}

function refuse(fault: DelegationFault, description: string): DelegationDecision {
  return { ok: false, fault, description };
}
