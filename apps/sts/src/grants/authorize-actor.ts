import {
  derive,
  type ExtensionGrantRequest,
  type GrantError,
  type Refusal,
  refuse,
  type SubjectToken,
  subjectTokenErrorOf,
} from '@behalf/extension-grants';
import type { ApiRegistry } from '../registry/apis.ts';
import { decideDelegation, type DelegationFault } from '../registry/decide-delegation.ts';
import type { DelegationPolicy } from '../registry/delegation-policy.ts';
import type { TokenLedger } from '../state/ledger.ts';

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
    apis: ports.apis,
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
    subjectToken,
    actor: request.client.id,
    dpopThumbprint: request.dpopThumbprint,
  });
  if (!derived.ok) return derived;

  const { sessionId } = subjectToken;
  if (
    sessionId !== undefined &&
    (await ports.ledger.isActorBlocked(sessionId, request.client.id, decision.target))
  ) {
    const description = 'the user does not let this client act at the target any more';
    return { ok: false, refusal: refusalOf('blocked', description, request, subjectToken) };
  }
  return { ok: true, scopes: decision.scopes, target: decision.target };
}

/** The wire code of each fault; where the fault lies in the subject token, the grant's own code for that. */
const ERROR: Record<DelegationFault | 'blocked', GrantError | 'subject_token'> = {
  presenter: 'subject_token',
  depth: 'subject_token',
  no_edge: 'invalid_target',
  target: 'invalid_target',
  blocked: 'invalid_target',
  scope: 'invalid_scope',
  dpop_required: 'invalid_request',
};

function refusalOf(
  fault: DelegationFault | 'blocked',
  description: string,
  request: ExtensionGrantRequest,
  subjectToken: SubjectToken,
): Refusal {
  const code = ERROR[fault];
  return refuse(code === 'subject_token' ? subjectTokenErrorOf(request.grantType) : code, description, {
    reason: fault === 'presenter' ? 'subject_token' : 'policy',
    detail: fault,
    subjectToken,
  });
}

/** What the grants need from outside. Nothing here is HTTP, a clock or the environment. */

export type ValidatedSubjectToken =
  | {
      readonly ok: true;
      readonly token: SubjectToken;
      /** A client's own token: there is no user to act for. */
      readonly isClientToken: boolean;
    }
  | {
      readonly ok: false;
      /** Safe on the wire. */
      readonly description: string;
      /** For log and ledger. */
      readonly detail: string;
      /** The token, when its signature was good and something else was not. */
      readonly subjectToken?: SubjectToken | undefined;
      /** Nothing is known about the token: its issuer's keys could not be had. */
      readonly isOutage?: boolean;
    };

/** Rules 1 and 8 for one kind of token: genuine, and live. An outage of our own storage is thrown. */
export interface SubjectTokenValidator {
  validate(jwt: string, options: { now: number }): Promise<ValidatedSubjectToken>;
}

/** What every grant needs that exchanges a token. */
export interface ExchangePorts {
  readonly policy: DelegationPolicy;
  readonly apis: ApiRegistry;
  /** For the access tokens of this server. */
  readonly accessTokens: SubjectTokenValidator;
  readonly ledger: Pick<TokenLedger, 'isActorBlocked'>;
}
