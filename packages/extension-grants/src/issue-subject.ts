import type { SubjectGrant, SubjectToken } from './contract.ts';
import { derive } from './derive.ts';
import { RefusedGrant } from './engine-error.ts';
import type { Issuing } from './issuing.ts';
import { findAccount } from './oidc-provider-internals.ts';
import { refuse } from './results.ts';
import { subjectTokenErrorOf } from './subject-token-error.ts';

export interface IssuedSubject {
  readonly accountId: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly actorChain: readonly string[];
  readonly from: SubjectGrant['from'];
}

/** The user of the new token, who must be active, and what is said about the login and the actors. */
export async function subjectOf(result: SubjectGrant, issuing: Issuing): Promise<IssuedSubject> {
  const { ctx, grantType } = issuing;
  const { subject, from } = result;
  const origin = from === undefined ? freshOrigin(result, issuing) : derivedOrigin(result, from, issuing);
  const account = await findAccount(ctx.oidc.provider, ctx, subject);
  if (account?.accountId !== subject) {
    throw refusedSubject(grantType, 'the user is not active', 'account_not_active', from);
  }
  ctx.oidc.entity('Account', account);
  return { ...origin, accountId: subject, from };
}

type Origin = Pick<IssuedSubject, 'claims' | 'actorChain'>;

function derivedOrigin({ subject, actor }: SubjectGrant, from: SubjectToken, issuing: Issuing): Origin {
  if (from.subject !== subject) throw new TypeError('the subject of a result must be that of `from`');
  if (actor === undefined) throw new TypeError('a result with `from` needs an actor');
  const { grantType, dpop } = issuing;
  const derived = derive({ grantType, from, actor, dpopThumbprint: dpop?.thumbprint });
  if (!derived.ok) throw new RefusedGrant(derived.refusal);
  return derived;
}

/** The grant itself authenticated the user, just now. */
function freshOrigin({ actor, authenticationMethod }: SubjectGrant, { now }: Issuing): Origin {
  if (actor !== undefined) throw new TypeError('a result with an actor needs the token it is derived from');
  if (authenticationMethod === undefined)
    throw new TypeError('a result without `from` needs an authenticationMethod');
  return { claims: { auth_time: now(), amr: [authenticationMethod] }, actorChain: [] };
}

/** Refused like any bad subject token. */
export function refusedSubject(
  grantType: string,
  description: string,
  cause: string,
  from: SubjectGrant['from'],
): RefusedGrant {
  const options = { reason: 'subject_token', cause, ...(from === undefined ? {} : { from }) };
  return new RefusedGrant(refuse(subjectTokenErrorOf(grantType), description, options));
}
