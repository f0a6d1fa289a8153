import { isDeepStrictEqual } from 'node:util';
import { errors, type TokenEndpointGrantContext } from 'oidc-provider';
import {
  type ClientGrant,
  GRANT_ERROR_STATUS,
  type GrantClient,
  type Issuance,
  type Refusal,
  type SubjectGrant,
  type SubjectToken,
  type ApiDirectory,
} from './contract.ts';
import { derive, subjectTokenErrorOf } from './derive.ts';
import {
  buildTokenResponse,
  checkDpopReplay,
  checkMtlsCert,
  type DPoPValidationResult,
  findAccount,
  resourceServerOf,
} from './oidc-provider-internals.ts';
import { assertNoProtocolClaims, assertNoProtocolMembers, refuse } from './results.ts';

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

  recordIssuance(token, {
    grantType,
    subjectToken: subject?.subjectToken,
    actorChain: subject?.actorChain ?? [],
  });
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

/** The API as oidc-provider knows it. One that does not know a granted scope would narrow the token silently. */
async function targetServerOf({ ctx }: Issuing, target: string, scopes: readonly string[]) {
  const resourceServer = await resourceServerOf(ctx.oidc.provider, ctx, target, ctx.oidc.client);
  const missing = scopes.filter((scope) => !resourceServer.scopes.has(scope));
  if (missing.length > 0) throw new Error(`getResourceServerInfo does not know ${missing.join(' ')}`);
  return resourceServer;
}

/** Stated rather than left to oidc-provider, which would count from the moment it signs. */
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
    subjectToken: subject?.subjectToken,
    now,
  });
  if (seconds < 1) throw refusedSubject(grantType, 'the token has expired', 'expired', subject?.subjectToken);
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

/** Such a token hangs from its parent, not from a grant of oidc-provider; its types want one all the same. */
function withoutGrant<Properties extends object>(properties: Properties): Properties & { grantId: string } {
  return properties as Properties & { grantId: string };
}

export interface IssuedSubject {
  readonly accountId: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly actorChain: readonly string[];
  readonly subjectToken: SubjectGrant['subjectToken'];
}

/** The user of the new token, who must be active, and what is said about the login and the actors. */
export async function subjectOf(result: SubjectGrant, issuing: Issuing): Promise<IssuedSubject> {
  const { ctx, grantType } = issuing;
  const { subject, subjectToken } = result;
  const login =
    subjectToken === undefined
      ? freshLoginClaims(result, issuing)
      : derivedLoginClaims(result, subjectToken, issuing);
  const account = await findAccount(ctx.oidc.provider, ctx, subject);
  if (account?.accountId !== subject) {
    throw refusedSubject(grantType, 'the user is not active', 'account_not_active', subjectToken);
  }
  ctx.oidc.entity('Account', account);
  return { ...login, accountId: subject, subjectToken };
}

type LoginClaims = Pick<IssuedSubject, 'claims' | 'actorChain'>;

function derivedLoginClaims(
  { subject, actor }: SubjectGrant,
  subjectToken: SubjectToken,
  issuing: Issuing,
): LoginClaims {
  if (subjectToken.subject !== subject)
    throw new TypeError('the subject of a result must be that of its subject token');
  if (actor === undefined) throw new TypeError('a result with a subject token needs an actor');
  const { grantType, dpop } = issuing;
  const derived = derive({ grantType, subjectToken, actor, dpopThumbprint: dpop?.thumbprint });
  if (!derived.ok) throw new RefusedGrant(derived.refusal);
  return derived;
}

/** The grant itself authenticated the user, just now. */
function freshLoginClaims({ actor, authenticationMethod }: SubjectGrant, { now }: Issuing): LoginClaims {
  if (actor !== undefined) throw new TypeError('a result with an actor needs the token it is derived from');
  if (authenticationMethod === undefined)
    throw new TypeError('a result without a subject token needs an authenticationMethod');
  return { claims: { auth_time: now(), amr: [authenticationMethod] }, actorChain: [] };
}

/** Refused like any bad subject token. */
export function refusedSubject(
  grantType: string,
  description: string,
  detail: string,
  subjectToken: SubjectGrant['subjectToken'],
): RefusedGrant {
  const options = {
    reason: 'subject_token',
    detail,
    ...(subjectToken === undefined ? {} : { subjectToken }),
  };
  return new RefusedGrant(refuse(subjectTokenErrorOf(grantType), description, options));
}

/** The result's scopes and API, else those requested. Both must be right by now: here nothing is narrowed or refused. */
export function targetOf(
  result: SubjectGrant | ClientGrant,
  { requested, targets, client }: Issuing,
): { readonly scopes: readonly string[]; readonly target: string } {
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

export interface LifetimeLimits {
  readonly requestedSeconds: number | undefined;
  readonly maximumSeconds: number;
  /** The API's own limit. */
  readonly targetSeconds: number | undefined;
  readonly subjectToken: SubjectToken | undefined;
  /** Epoch seconds. */
  readonly now: number;
}

/**
 * Seconds that a new token may live: the shortest of all limits, so that it never outlives its subject token. Zero or
 * less: that one is used up. Throws for a requested lifetime that is not a whole number of seconds from 1 on.
 */
export function lifetimeSecondsOf(limits: LifetimeLimits): number {
  const { requestedSeconds, maximumSeconds, targetSeconds, subjectToken, now } = limits;
  if (requestedSeconds !== undefined) assertLifetime(requestedSeconds);
  return Math.min(
    maximumSeconds,
    requestedSeconds ?? Number.POSITIVE_INFINITY,
    targetSeconds ?? Number.POSITIVE_INFINITY,
    subjectToken === undefined ? Number.POSITIVE_INFINITY : Math.floor(subjectToken.expiresAt - now),
  );
}

export function assertLifetime(seconds: number, maximumSeconds = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(seconds) && seconds >= 1 && seconds <= maximumSeconds) return;
  throw new RangeError(`a lifetime is a whole number of seconds from 1 to ${maximumSeconds}`);
}

/** `grantType` of the tokens that `createTokenTools` issues. */
export const SELF_ISSUED = 'self_issued';

const issuances = new WeakMap<object, Issuance>();

/**
 * How a token came to be, for the one hook that records every token (oidc-provider's JWT customizer). Undefined for the
 * tokens of oidc-provider's own grants.
 */
export function issuanceOf(token: object): Issuance | undefined {
  return issuances.get(token);
}

/** Notes it; done before the token is saved, so that the hook finds it. */
export function recordIssuance(token: object, issuance: Issuance): void {
  issuances.set(token, issuance);
}

/** One request on its way to a token. */
export interface Issuing {
  readonly ctx: TokenEndpointGrantContext;
  readonly grantType: string;
  readonly client: GrantClient;
  readonly requested: { readonly scopes: readonly string[]; readonly target: string | undefined };
  readonly dpop: DPoPValidationResult | undefined;
  readonly targets: ApiDirectory;
  readonly maximumLifetimeSeconds: number;
  readonly now: () => number;
}

interface TokenWithExtra {
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * For oidc-provider's `extraTokenClaims`, whose answer replaces what a token brought along: gives that back. An own
 * function merges its claims beneath it: `{ ...mine, ...extraTokenClaims(ctx, token) }`.
 */
export function extraTokenClaims(_ctx: unknown, token: object): Record<string, unknown> | undefined {
  const { extra } = token as TokenWithExtra;
  return extra === undefined ? undefined : { ...extra };
}

/** Throws when oidc-provider's configuration dropped or changed a claim of the token: `act` among them. */
export function assertExtraKept(token: TokenWithExtra, stated: Readonly<Record<string, unknown>>): void {
  const kept = token.extra ?? {};
  for (const [name, value] of Object.entries(stated)) {
    if (!isDeepStrictEqual(kept[name], value)) {
      throw new Error(
        `the claim ${name} was lost: oidc-provider's extraTokenClaims must return token.extra merged`,
      );
    }
  }
}

/**
 * A refusal as oidc-provider throws it. The cause goes along as `error_detail`, for the log alone; what else the refusal
 * says, the answer to the request adds.
 */
export class RefusedGrant extends errors.CustomOIDCProviderError {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.error, printable(refusal.description), { detail: refusal.detail ?? refusal.description });
    this.refusal = refusal;
    this.status = GRANT_ERROR_STATUS[refusal.error];
    this.statusCode = this.status;
    this.expose = true;
  }
}

/** RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E. */
function printable(description: string): string {
  return description.replaceAll('"', "'").replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/gu, '?');
}
