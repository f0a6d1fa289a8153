import type { TokenEndpointGrantContext } from 'oidc-provider';
import type { ClientGrant, GrantClient, Refusal, SubjectGrant, TargetDirectory } from './contract.ts';
import { derive } from './derive.ts';
import { RefusedGrant } from './engine-error.ts';
import { assertExtraKept } from './extra-token-claims.ts';
import { noteIssuance } from './issuance.ts';
import { lifetimeSecondsOf } from './lifetime.ts';
import {
  buildTokenResponse,
  checkDpopReplay,
  checkMtlsCert,
  findAccount,
  resourceServerOf,
  type DPoPValidationResult,
} from './oidc-provider-internals.ts';
import { assertNoProtocolClaims, assertNoProtocolMembers } from './protocol-claims.ts';
import { refuse } from './results.ts';
import { subjectTokenErrorOf } from './subject-token-error.ts';

export interface Issuing {
  readonly ctx: TokenEndpointGrantContext;
  readonly grantType: string;
  readonly client: GrantClient;
  readonly requested: { readonly scopes: readonly string[]; readonly target: string | undefined };
  readonly dpop: DPoPValidationResult | undefined;
  readonly targets: TargetDirectory;
  readonly maximumLifetimeSeconds: number;
  readonly now: () => number;
}

/**
 * Issues the access token that a validator granted, and answers with it: no refresh token, no ID token. What holds for
 * every exchange holds here, whatever the validator left out: the chain of actors, `may_act`, the original login, the
 * subject token's end, an active account, the key of a DPoP proof (RFC 9449 §5).
 *
 * Refusals are thrown as `RefusedGrant`; a result that breaks the contract throws another error, which is a 500.
 */
export async function issue(result: SubjectGrant | ClientGrant, issuing: Issuing): Promise<void> {
  const { ctx, grantType } = issuing;
  const { provider } = ctx.oidc;
  assertNoProtocolClaims(result.claims);
  assertNoProtocolMembers(result.response);
  const { scopes, target } = aimOf(result, issuing);
  const subject = result.kind === 'subject' ? await subjectOf(result, issuing) : undefined;

  const resourceServer = await resourceServerOf(provider, ctx, target, ctx.oidc.client);
  const missing = scopes.filter((scope) => !resourceServer.scopes.has(scope));
  if (missing.length > 0) throw new Error(`getResourceServerInfo does not know ${missing.join(' ')}`);

  const now = issuing.now();
  const lifetimeSeconds = lifetimeSecondsOf({
    requestedSeconds: result.lifetimeSeconds,
    maximumSeconds: issuing.maximumLifetimeSeconds,
    targetSeconds: resourceServer.accessTokenTTL,
    from: subject?.from,
    now,
  });
  if (lifetimeSeconds < 1) throw refusedSubject(grantType, 'the token has expired', 'expired', subject);

  const extra = { ...result.claims, ...subject?.claims };
  const common = {
    client: ctx.oidc.client,
    resourceServer,
    scope: scopes.join(' ') || undefined,
    extra,
    iat: now,
    exp: now + lifetimeSeconds,
    expiresIn: lifetimeSeconds,
  };
  const token =
    subject === undefined
      ? new provider.ClientCredentials(common)
      : new provider.AccessToken(withoutGrant({ ...common, accountId: subject.accountId, gty: grantType }));

  const certificate = checkMtlsCert(provider, ctx);
  if (certificate !== undefined) token.setThumbprint('x5t', certificate);
  await checkDpopReplay(provider, ctx, issuing.dpop, ctx.oidc.client.clientId);
  if (issuing.dpop !== undefined) token.setThumbprint('jkt', issuing.dpop.thumbprint);

  noteIssuance(token, { grantType, from: subject?.from, actorChain: subject?.actorChain ?? [] });
  ctx.oidc.entity(token.kind, token);
  const accessToken = await token.save();
  assertExtraKept(token, extra);

  ctx.body = buildTokenResponse(provider, {
    accessToken,
    tokenType: token.tokenType,
    expiresIn: lifetimeSeconds,
    scope: token.scope,
    issuedTokenType: result.issuedTokenType,
    parameters: { ...result.response },
  });
}

/** The result's scopes and API, else those requested. Both must be right by now: here nothing is narrowed or refused. */
function aimOf(result: SubjectGrant | ClientGrant, { requested, targets, client }: Issuing) {
  const scopes = [...new Set(result.scopes ?? requested.scopes)];
  const [firstScope] = scopes;
  const target =
    result.target ?? requested.target ?? (firstScope === undefined ? undefined : targets.ownerOf(firstScope));
  if (target === undefined) throw new RefusedGrant(refuse('invalid_scope', 'the request names no scope'));
  if (targets.resolve(target) !== target)
    throw new TypeError('the result has a target that is no resource identifier');
  for (const scope of scopes) {
    if (targets.ownerOf(scope) !== target)
      throw new TypeError(`the result has the scope ${scope} of another API`);
    if (!client.scopes.includes(scope))
      throw new TypeError(`the client is not registered for the scope ${scope}`);
  }
  return { scopes, target };
}

interface IssuingSubject {
  readonly accountId: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly actorChain: readonly string[];
  readonly from: SubjectGrant['from'];
}

/** The user of the new token, and what is said about the login and the actors. */
async function subjectOf(result: SubjectGrant, issuing: Issuing): Promise<IssuingSubject> {
  const { ctx, grantType, dpop } = issuing;
  const { subject, from, actor } = result;
  let claims: Readonly<Record<string, unknown>>;
  let actorChain: readonly string[] = [];
  if (from === undefined) {
    if (actor !== undefined) throw new TypeError('a result with an actor needs the token it is derived from');
    if (result.authenticationMethod === undefined)
      throw new TypeError('a result without `from` needs an authenticationMethod');
    claims = { auth_time: issuing.now(), amr: [result.authenticationMethod] };
  } else {
    if (from.subject !== subject) throw new TypeError('the subject of a result must be that of `from`');
    if (actor === undefined) throw new TypeError('a result with `from` needs an actor');
    const derived = derive({ grantType, from, actor, dpopThumbprint: dpop?.thumbprint });
    if (!derived.ok) throw new RefusedGrant(derived.refusal);
    ({ claims, actorChain } = derived);
  }
  const account = await findAccount(ctx.oidc.provider, ctx, subject);
  if (account?.accountId !== subject) {
    throw refusedSubject(grantType, 'the user is not active', 'account_not_active', { from });
  }
  ctx.oidc.entity('Account', account);
  return { accountId: account.accountId, claims, actorChain, from };
}

function refusedSubject(
  grantType: string,
  description: string,
  cause: string,
  subject: { readonly from: SubjectGrant['from'] } | undefined,
): RefusedGrant {
  const from: { from?: NonNullable<Refusal['from']> } =
    subject?.from === undefined ? {} : { from: subject.from };
  return new RefusedGrant(
    refuse(subjectTokenErrorOf(grantType), description, { reason: 'subject_token', cause, ...from }),
  );
}

/** Such a token hangs from its parent, not from a grant of the engine; its types want one all the same. */
function withoutGrant<Properties extends object>(properties: Properties): Properties & { grantId: string } {
  return properties as Properties & { grantId: string };
}
