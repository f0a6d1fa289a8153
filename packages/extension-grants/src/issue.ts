import type { ClientGrant, SubjectGrant } from './contract.ts';
import { assertExtraKept } from './extra-token-claims.ts';
import { noteIssuance } from './issuance.ts';
import { refusedSubject, subjectOf, type IssuedSubject } from './issue-subject.ts';
import { targetOf } from './issue-target.ts';
import type { Issuing } from './issuing.ts';
import { lifetimeSecondsOf } from './lifetime.ts';
import {
  buildTokenResponse,
  checkDpopReplay,
  checkMtlsCert,
  resourceServerOf,
} from './oidc-provider-internals.ts';
import { assertNoProtocolClaims, assertNoProtocolMembers } from './protocol-claims.ts';

type Grant = SubjectGrant | ClientGrant;

/**
 * Issues the access token that a validator granted, and answers with it: no refresh token, no ID token. What holds for
 * every exchange holds here, whatever the validator left out: the chain of actors, `may_act`, the original login, the
 * subject token's end, an active account, the key of a DPoP proof (RFC 9449 §5).
 *
 * Refusals are thrown as `RefusedGrant`; a result that breaks the contract throws another error, which is a 500.
 */
export async function issue(result: Grant, issuing: Issuing): Promise<void> {
  const { ctx, grantType } = issuing;
  const { provider } = ctx.oidc;
  assertNoProtocolClaims(result.claims);
  assertNoProtocolMembers(result.response);
  const { scopes, target } = targetOf(result, issuing);
  const subject = result.kind === 'subject' ? await subjectOf(result, issuing) : undefined;
  const resourceServer = await targetServerOf(issuing, target, scopes);
  const times = timesOf(result, issuing, resourceServer.accessTokenTTL, subject);

  const extra = { ...result.claims, ...subject?.claims };
  const stated = {
    client: ctx.oidc.client,
    resourceServer,
    scope: scopes.join(' ') || undefined,
    extra,
    ...times,
  };
  const token =
    subject === undefined
      ? new provider.ClientCredentials(stated)
      : new provider.AccessToken(withoutGrant({ ...stated, accountId: subject.accountId, gty: grantType }));
  await bindToKey(token, issuing);

  noteIssuance(token, { grantType, from: subject?.from, actorChain: subject?.actorChain ?? [] });
  ctx.oidc.entity(token.kind, token);
  const accessToken = await token.save();
  assertExtraKept(token, extra);

  ctx.body = buildTokenResponse(provider, {
    accessToken,
    tokenType: token.tokenType,
    expiresIn: times.expiresIn,
    scope: token.scope,
    issuedTokenType: result.issuedTokenType,
    parameters: { ...result.response },
  });
}

/** The API as the engine knows it. One that does not know a granted scope would narrow the token silently. */
async function targetServerOf({ ctx }: Issuing, target: string, scopes: readonly string[]) {
  const resourceServer = await resourceServerOf(ctx.oidc.provider, ctx, target, ctx.oidc.client);
  const missing = scopes.filter((scope) => !resourceServer.scopes.has(scope));
  if (missing.length > 0) throw new Error(`getResourceServerInfo does not know ${missing.join(' ')}`);
  return resourceServer;
}

/** Stated rather than left to the engine, which would count from the moment it signs. */
function timesOf(
  result: Grant,
  { grantType, maximumLifetimeSeconds, now: clock }: Issuing,
  targetSeconds: number | undefined,
  subject: IssuedSubject | undefined,
) {
  const now = clock();
  const seconds = lifetimeSecondsOf({
    requestedSeconds: result.lifetimeSeconds,
    maximumSeconds: maximumLifetimeSeconds,
    targetSeconds,
    from: subject?.from,
    now,
  });
  if (seconds < 1) throw refusedSubject(grantType, 'the token has expired', 'expired', subject?.from);
  return { iat: now, exp: now + seconds, expiresIn: seconds };
}

interface Bindable {
  setThumbprint(property: 'x5t', certificate: Certificate): void;
  setThumbprint(property: 'jkt', thumbprint: string): void;
}
type Certificate = NonNullable<ReturnType<typeof checkMtlsCert>>;

/** Sender-constrains the token to what the client showed: a certificate (RFC 8705 §3) or a DPoP proof, which counts once. */
async function bindToKey(token: Bindable, { ctx, dpop }: Issuing): Promise<void> {
  const { provider, client } = ctx.oidc;
  const certificate = checkMtlsCert(provider, ctx);
  if (certificate !== undefined) token.setThumbprint('x5t', certificate);
  await checkDpopReplay(provider, ctx, dpop, client.clientId);
  if (dpop !== undefined) token.setThumbprint('jkt', dpop.thumbprint);
}

/** Such a token hangs from its parent, not from a grant of the engine; its types want one all the same. */
function withoutGrant<Properties extends object>(properties: Properties): Properties & { grantId: string } {
  return properties as Properties & { grantId: string };
}
