import { type AccessTokenValidator, derive, refuse, subjectTokenErrorOf } from '@behalf/extension-grants';
import type { ExtensionGrantRequest, GrantError, Refusal, SubjectToken } from '@behalf/extension-grants';
import type { ApiRegistry } from '../registry/apis.ts';
import { decideDelegation, type DelegationFault } from '../registry/decide-delegation.ts';
import type { DelegationPolicy } from '../registry/delegation-policy.ts';
import type { TokenLedger } from '../state/ledger.ts';

/** Every grant that exchanges a token needs these. */
export interface ExchangeDependencies {
  readonly policy: DelegationPolicy;
  readonly apis: ApiRegistry;
  /** For the access tokens of this server. */
  readonly accessTokens: AccessTokenValidator;
  readonly ledger: Pick<TokenLedger, 'statusOf' | 'isActorBlocked'>;
}

export type AuthorizedActor =
  | { readonly ok: true; readonly scopes: readonly string[]; readonly target: string }
  | { readonly ok: false; readonly refusal: Refusal };

/**
 * Whether the client may act for the token's subject as requested: the policy allows it (presenter, rule, scopes, depth), the
 * token can be derived from (`may_act`, chain, possession), it is active with its user, and the user has not blocked the client there. Every
 * grant that exchanges a token asks this, and puts the scopes and the target into the new token.
 */
export async function authorizeActor(
  { policy, apis, ledger }: ExchangeDependencies,
  request: ExtensionGrantRequest,
  subjectToken: SubjectToken,
): Promise<AuthorizedActor> {
  const { grantType, client, dpopThumbprint } = request;
  const decision = decideDelegation({
    policy,
    apis,
    grantType,
    actor: client,
    subjectToken,
    requested: {
      scopes: request.scopes,
      target: request.target,
      targetIsNamed: request.audience !== undefined || request.resource !== undefined,
    },
    hasDpopProof: dpopThumbprint !== undefined,
  });
  if (!decision.ok) return refused(decision.fault, decision.description, request, subjectToken);

  const derived = derive({ grantType, subjectToken, actor: client.id, dpopThumbprint });
  if (!derived.ok) return derived;

  const to = { actor: client.id, audience: decision.target };
  const status =
    subjectToken.kind === 'external'
      ? await externalStatusOf(subjectToken, to)
      : await ledger.statusOf(subjectToken.jti, request.now, to);
  if (!status.active) {
    const options = { reason: 'subject_token', detail: status.detail, subjectToken };
    const refusal = refuse(subjectTokenErrorOf(grantType), 'the token is no longer active', options);
    return { ok: false, refusal };
  }
  if (status.isBlocked) {
    return refused('blocked', 'the user does not let this client act at the target', request, subjectToken);
  }
  return { ok: true, scopes: decision.scopes, target: decision.target };

  /** The ledger has no row of a trusted issuer's token; its validator has looked at the user. */
  async function externalStatusOf({ subject }: SubjectToken, at: { actor: string; audience: string }) {
    const isBlocked = await ledger.isActorBlocked({ subject, ...at }, request.now);
    return { active: true, isBlocked } as const;
  }
}

/** The wire code of each fault. A fault of the subject token has the grant's own code for that. */
const ERROR: Record<DelegationFault | 'blocked', GrantError | 'subject_token'> = {
  presenter: 'subject_token',
  client_token: 'subject_token',
  depth: 'subject_token',
  no_rule: 'invalid_target',
  target: 'invalid_target',
  blocked: 'invalid_target',
  scope: 'invalid_scope',
  dpop_required: 'invalid_dpop_proof',
};

function refused(
  fault: DelegationFault | 'blocked',
  description: string,
  request: ExtensionGrantRequest,
  subjectToken: SubjectToken,
): AuthorizedActor {
  const code = ERROR[fault];
  const error = code === 'subject_token' ? subjectTokenErrorOf(request.grantType) : code;
  const reason = fault === 'presenter' || fault === 'client_token' ? 'subject_token' : 'policy';
  return { ok: false, refusal: refuse(error, description, { reason, detail: fault, subjectToken }) };
}
