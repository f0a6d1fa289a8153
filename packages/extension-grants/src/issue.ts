import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { errors, type TokenEndpointGrantContext } from 'oidc-provider';
import {
  type ApiDirectory,
  type ClientGrant,
  GRANT_ERROR_STATUS,
  type GrantClient,
  type Issuance,
  type Refusal,
  type SubjectGrant,
  type SubjectToken,
} from './contract.ts';
import { derive, subjectTokenErrorOf } from './derive.ts';
import {
  buildTokenResponse,
  checkDpopReplay,
  type DPoPValidationResult,
  findAccount,
  resourceServerOf,
  setTokenId,
} from './oidc-provider-internals.ts';
import { assertNoProtocolClaims, assertNoProtocolMembers, refuse } from './results.ts';

/** One request on its way to a token. */
export interface Issuing {
  readonly ctx: TokenEndpointGrantContext;
  readonly grantType: string;
  readonly client: GrantClient;
  readonly requested: { readonly scopes: readonly string[]; readonly target: string | undefined };
  readonly dpop: DPoPValidationResult | undefined;
  readonly apis: ApiDirectory;
  readonly maximumLifetimeSeconds: number;
  /** Epoch seconds. */
  readonly now: () => number;
}

/**
 * Issues the access token that a validator granted, and answers with it: no refresh token, no ID token. The rules of
 * every exchange stand here, whatever the validator left out: the chain of actors, `may_act`, the original login, the
 * subject token's end, an active account, the key of a DPoP proof (RFC 9449 §5).
 *
 * Refusals are thrown as `RefusedGrant`. A result that breaks the contract throws another error, which is a 500.
 */
export async function issue(result: SubjectGrant | ClientGrant, issuing: Issuing): Promise<void> {
  const { ctx, grantType, dpop } = issuing;
  const { provider, client } = ctx.oidc;
  assertNoProtocolClaims(result.claims);
  assertNoProtocolMembers(result.response);
  const { scopes, target } = targetOf(result, issuing);
  const subject = result.kind === 'subject' ? await subjectOf(result, issuing) : undefined;
  const subjectToken = result.kind === 'subject' ? result.subjectToken : undefined;
  const resourceServer = await resourceServerOf(provider, ctx, target, client);
  for (const scope of scopes) {
    // oidc-provider would narrow the token silently.
    if (!resourceServer.scopes.has(scope)) throw new Error(`getResourceServerInfo does not know ${scope}`);
  }

  const iat = issuing.now();
  const expiresIn = lifetimeSecondsOf(result, resourceServer.accessTokenTTL, issuing, iat);
  if (expiresIn < 1) throw refusedSubject(grantType, 'the token has expired', 'expired', subjectToken);
  const extra = { ...result.claims, ...subject?.claims };
  const scope = scopes.join(' ') || undefined;
  const stated = { client, resourceServer, scope, extra, iat, exp: iat + expiresIn, expiresIn };
  const token =
    result.kind === 'client'
      ? new provider.ClientCredentials(stated)
      : new provider.AccessToken(withoutGrant({ ...stated, accountId: result.subject, gty: grantType }));
  setTokenId(token, createTokenId(iat));
  if (dpop !== undefined) {
    await assertProofIsNew(ctx, dpop);
    token.setThumbprint('jkt', dpop.thumbprint);
  }

  issuances.set(token, { grantType, subjectToken, actorChain: subject?.actorChain ?? [] });
  ctx.oidc.entity(token.kind, token);
  const accessToken = await token.save();
  assertExtraKept(token, extra);
  ctx.body = buildTokenResponse(provider, {
    accessToken,
    tokenType: token.tokenType,
    expiresIn,
    scope: token.scope,
    issuedTokenType: result.issuedTokenType,
    parameters: { ...result.response },
  });
}

/** A DPoP proof counts once (RFC 9449 §11.1). oidc-provider calls a replayed one `invalid_grant`; §5 has its own code. */
async function assertProofIsNew(ctx: TokenEndpointGrantContext, dpop: DPoPValidationResult): Promise<void> {
  try {
    await checkDpopReplay(ctx.oidc.provider, ctx, dpop, ctx.oidc.client.clientId);
  } catch (error) {
    if (!(error instanceof errors.InvalidGrant)) throw error;
    throw new RefusedGrant(
      refuse('invalid_dpop_proof', 'the DPoP proof was used before', { detail: 'dpop_replay' }),
    );
  }
}

/** The result's scopes and API, else those requested. Here nothing is narrowed or refused: a wrong one is a bug. */
function targetOf(result: SubjectGrant | ClientGrant, { requested, apis, client }: Issuing) {
  const scopes = result.scopes === undefined ? requested.scopes : [...new Set(result.scopes)];
  const [first] = scopes;
  const target = result.target ?? requested.target ?? (first === undefined ? undefined : apis.ownerOf(first));
  if (target === undefined) throw new RefusedGrant(refuse('invalid_scope', 'the request names no scope'));
  assertScopesOf(apis, target, scopes, client.scopes);
  return { scopes, target };
}

/** Throws a TypeError unless the target is an API's identifier that owns all scopes, and the client is registered for them. */
export function assertScopesOf(
  apis: ApiDirectory,
  target: string,
  scopes: readonly string[],
  registered: readonly string[],
): void {
  if (apis.resolve(target) !== target) throw new TypeError('the target is no resource identifier');
  for (const scope of scopes) {
    if (apis.ownerOf(scope) !== target) throw new TypeError(`the scope ${scope} is not one of ${target}`);
    if (!registered.includes(scope))
      throw new TypeError(`the client is not registered for the scope ${scope}`);
  }
}

/**
 * The claims of a user's token about the login and the actors. A subject token's account is active: its validator has asked
 * for its status. The account of a grant that authenticated the user itself is looked up here.
 */
async function subjectOf(result: SubjectGrant, { ctx, grantType, client, dpop, now }: Issuing) {
  const { subject, subjectToken, actor, authenticationMethod } = result;
  if (subjectToken === undefined) {
    if (actor !== undefined) throw new TypeError('a result with an actor needs the token it is derived from');
    if (authenticationMethod === undefined)
      throw new TypeError('a result without a subject token needs an authenticationMethod');
    const account = await findAccount(ctx.oidc.provider, ctx, subject);
    if (account?.accountId !== subject) {
      throw refusedSubject(grantType, 'the user is not active', 'account_not_active', subjectToken);
    }
    ctx.oidc.entity('Account', account);
    return { claims: { auth_time: now(), amr: [authenticationMethod] }, actorChain: [] };
  }
  if (subjectToken.subject !== subject)
    throw new TypeError('the subject of a result must be that of its subject token');
  if (actor !== client.id) throw new TypeError('the actor of a result must be the authenticated client');
  const derived = derive({ grantType, subjectToken, actor, dpopThumbprint: dpop?.thumbprint });
  if (!derived.ok) throw new RefusedGrant(derived.refusal);
  return derived;
}

/** Seconds that a new token may live: the shortest of all limits. Less than one: the subject token has expired. */
function lifetimeSecondsOf(
  result: SubjectGrant | ClientGrant,
  targetSeconds: number | undefined,
  { maximumLifetimeSeconds }: Issuing,
  now: number,
): number {
  const { lifetimeSeconds } = result;
  if (lifetimeSeconds !== undefined) assertLifetime(lifetimeSeconds);
  const parent = result.kind === 'subject' ? result.subjectToken : undefined;
  return Math.min(
    maximumLifetimeSeconds,
    lifetimeSeconds ?? Number.POSITIVE_INFINITY,
    targetSeconds ?? Number.POSITIVE_INFINITY,
    parent === undefined ? Number.POSITIVE_INFINITY : Math.floor(parent.expiresAt - now),
  );
}

export function assertLifetime(seconds: number, maximumSeconds = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(seconds) && seconds >= 1 && seconds <= maximumSeconds) return;
  throw new RangeError(`a lifetime is a whole number of seconds from 1 to ${maximumSeconds}`);
}

/** 144 random bits behind the time, so that the ledger's indexes grow at their ends. */
export function createTokenId(issuedAt: number): string {
  return `${issuedAt.toString(36)}${randomBytes(18).toString('base64url')}`;
}

/** Such a token hangs from its parent, not from a grant of oidc-provider; its types want one all the same. */
function withoutGrant<Properties extends object>(properties: Properties): Properties & { grantId: string } {
  return properties as Properties & { grantId: string };
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

/** Called before the token is saved, so that the hook finds it. */
export function recordIssuance(token: object, issuance: Issuance): void {
  issuances.set(token, issuance);
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
    if (kept[name] === value || isDeepStrictEqual(kept[name], value)) continue;
    throw new Error(
      `the claim ${name} was lost: oidc-provider's extraTokenClaims must return token.extra merged`,
    );
  }
}

/** A user who is not active is refused like any bad subject token. */
function refusedSubject(
  grantType: string,
  description: string,
  detail: string,
  subjectToken: SubjectToken | undefined,
): RefusedGrant {
  const error = subjectTokenErrorOf(grantType);
  return new RefusedGrant(
    refuse(error, description, { reason: 'subject_token', detail, ...(subjectToken && { subjectToken }) }),
  );
}

/** A refusal as oidc-provider throws it. The answer to the request adds the members that oidc-provider does not know. */
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
