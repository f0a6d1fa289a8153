import { derive, refuse, subjectTokenErrorOf } from '@behalf/extension-grants';
import type { ExtensionGrantRequest, GrantError, Refusal, SubjectToken } from '@behalf/extension-grants';
import { decideDelegation, type DelegationFault } from '../registry/decide-delegation.ts';
import type { ExchangePorts } from './ports.ts';

export type AuthorizedActor =
  | { readonly ok: true; readonly scopes: readonly string[]; readonly target: string }
  | { readonly ok: false; readonly refusal: Refusal };

/**
 * Whether the client may act for the token's user as requested: the policy allows it (rules 2 to 4), the token lets itself
 * be derived from (rules 6 and 10), and the user did not take it back. Every grant that exchanges a token asks this, and puts what it gives into the new token.
 */
export async function authorizeActor(
  ports: ExchangePorts,
  request: ExtensionGrantRequest,
  subjectToken: SubjectToken,
): Promise<AuthorizedActor> {
  const decision = decideDelegation({
    policy: ports.policy,
    resources: ports.resources,
    grantType: request.grantType,
    actor: request.client,
    subjectToken,
    requested: {
      scopes: request.scopes,
      target: request.target,
      targetIsNamed: request.audience !== undefined || request.resource !== undefined,
    },
    hasDpopProof: request.dpopThumbprint !== undefined,
  });
  if (!decision.ok)
    return { ok: false, refusal: refusalOf(decision.fault, decision.description, request, subjectToken) };

  const derived = derive({
    grantType: request.grantType,
    from: subjectToken,
    actor: request.client.id,
    dpopThumbprint: request.dpopThumbprint,
  });
  if (!derived.ok) return derived;

  const { sessionId } = subjectToken;
  if (
    sessionId !== undefined &&
    (await ports.ledger.isBarred(sessionId, request.client.id, decision.target))
  ) {
    const description = 'the user does not let this client act at the target any more';
    return { ok: false, refusal: refusalOf('barred', description, request, subjectToken) };
  }
  return { ok: true, scopes: decision.scopes, target: decision.target };
}

/** The wire code of each fault; where the fault lies in the subject token, the grant's own code for that. */
const ERROR: Record<DelegationFault | 'barred', GrantError | 'subject_token'> = {
  presenter: 'subject_token',
  depth: 'subject_token',
  no_edge: 'invalid_target',
  target: 'invalid_target',
  barred: 'invalid_target',
  scope: 'invalid_scope',
  dpop_required: 'invalid_request',
};

function refusalOf(
  fault: DelegationFault | 'barred',
  description: string,
  request: ExtensionGrantRequest,
  from: SubjectToken,
): Refusal {
  const code = ERROR[fault];
  return refuse(code === 'subject_token' ? subjectTokenErrorOf(request.grantType) : code, description, {
    reason: fault === 'presenter' ? 'subject_token' : 'policy',
    cause: fault,
    from,
  });
}
