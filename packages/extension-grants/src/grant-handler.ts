import type { Client, TokenEndpointGrantContext } from 'oidc-provider';
import type {
  ExtensionGrantRequest,
  ExtensionGrantValidator,
  GrantClient,
  GrantResult,
  Refusal,
  ApiDirectory,
} from './contract.ts';
import { issue, RefusedGrant } from './issue.ts';
import { checkDpopRequired, validateDpop } from './oidc-provider-internals.ts';
import { resolveRequestedTarget } from './requested-target.ts';
import { refuse } from './results.ts';

export interface GrantHandlerOptions {
  readonly targets: ApiDirectory;
  readonly clientScopesOf: (client: Client) => readonly string[];
  readonly maximumLifetimeSeconds: number;
  readonly now: () => number;
}

/**
 * oidc-provider's handler for one extension grant. The client is authenticated and may use the grant; then come scopes,
 * target, the validator, and issuing with the account's check, in this order.
 */
export function createGrantHandler(validator: ExtensionGrantValidator, options: GrantHandlerOptions) {
  const { grantType } = validator;
  const { targets, maximumLifetimeSeconds, now } = options;

  async function handle(ctx: TokenEndpointGrantContext, seen: SeenRequest): Promise<void> {
    const raw = rawParametersOf(ctx);
    const repeated = repeatedParameter(raw);
    if (repeated !== undefined) {
      throw new RefusedGrant(refuse('invalid_request', `${repeated} must not be repeated`));
    }
    const client: GrantClient = {
      id: ctx.oidc.client.clientId,
      scopes: options.clientScopesOf(ctx.oidc.client),
    };
    const requested = resolveRequestedTarget({
      targets,
      clientScopes: client.scopes,
      scope: firstValueOf(raw, 'scope'),
      audience: raw['audience'],
      resource: raw['resource'],
    });
    if (!requested.ok)
      throw new RefusedGrant(refuse(requested.error, requested.description, { reason: 'policy' }));
    Object.assign(seen, { scopes: requested.scopes, target: requested.target });

    const { provider } = ctx.oidc;
    const dpop = await validateDpop(provider, ctx);
    checkDpopRequired(provider, ctx, dpop);

    const request: ExtensionGrantRequest = {
      grantType,
      raw,
      client,
      scopes: requested.scopes,
      target: requested.target,
      audience: firstValueOf(raw, 'audience'),
      resource: firstValueOf(raw, 'resource'),
      dpopThumbprint: dpop?.thumbprint,
      now: now(),
    };
    const result = await resultOf(validator, request);
    if (result.kind === 'refusal') throw new RefusedGrant(result);
    await issue(result, { ctx, grantType, client, requested, dpop, targets, maximumLifetimeSeconds, now });
  }

  return async function handleGrant(ctx: TokenEndpointGrantContext): Promise<void> {
    const seen = recordRequest(ctx, grantType);
    try {
      await handle(ctx, seen);
    } catch (error) {
      if (error instanceof RefusedGrant) seen.refusal = error.refusal;
      throw error;
    }
  };
}

/**
 * Asks the validator. No answer refuses. What it throws is wrapped, so that an error that claims to be fit for the wire
 * is not shown there either.
 */
async function resultOf(
  validator: ExtensionGrantValidator,
  request: ExtensionGrantRequest,
): Promise<GrantResult> {
  let result: GrantResult | undefined;
  try {
    result = await validator.validate(request);
  } catch (cause) {
    throw new Error(`the validator of the grant ${validator.grantType} failed`, { cause });
  }
  return result ?? refuse('invalid_grant', 'the grant was not accepted', { detail: 'no_result' });
}

export type RawParameters = ExtensionGrantRequest['raw'];

const MAY_REPEAT: readonly string[] = ['audience', 'resource'];

const CREDENTIALS: readonly string[] = ['client_secret', 'client_assertion', 'client_assertion_type'];

/**
 * The form of a token request, from oidc-provider, without client credentials. Empty parameters are absent (RFC 6749 §3.1).
 */
export function rawParametersOf(ctx: TokenEndpointGrantContext): RawParameters {
  const form = Object.entries(ctx.oidc.body ?? {}).flatMap(([name, value]) => {
    if (CREDENTIALS.includes(name)) return [];
    const values = [value].flat().filter((item): item is string => typeof item === 'string' && item !== '');
    const [first] = values;
    if (first === undefined) return [];
    return [[name, values.length === 1 ? first : values] as const];
  });
  return Object.assign(Object.create(null) as Record<string, string | string[]>, Object.fromEntries(form));
}

/** The name of a parameter that was sent twice and may not be (RFC 6749 §3.2). */
export function repeatedParameter(raw: RawParameters): string | undefined {
  return Object.keys(raw).find((name) => typeof raw[name] !== 'string' && !MAY_REPEAT.includes(name));
}

/** The value of a parameter, or the first of several. */
export function firstValueOf(raw: RawParameters, name: string): string | undefined {
  const value = raw[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** What is known of a token request of an extension grant, once its client is authenticated. */
export interface SeenRequest {
  grantType: string;
  scopes: readonly string[];
  target: string | undefined;
  refusal: Refusal | undefined;
}

const seen = new WeakMap<object, SeenRequest>();

/** Notes that oidc-provider handed a request over to an extension grant. */
export function recordRequest(ctx: object, grantType: string): SeenRequest {
  const request: SeenRequest = { grantType, scopes: [], target: undefined, refusal: undefined };
  seen.set(ctx, request);
  return request;
}

export function seenRequestOf(ctx: object): SeenRequest | undefined {
  return seen.get(ctx);
}
