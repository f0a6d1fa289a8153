import type { TokenEndpointGrantContext } from 'oidc-provider';
import type {
  ApiDirectory,
  ExtensionGrantRequest,
  ExtensionGrantValidator,
  GrantResult,
  Refusal,
} from './contract.ts';
import { issue, RefusedGrant } from './issue.ts';
import { checkDpopRequired, validateDpop } from './oidc-provider-internals.ts';
import { REPEATABLE_PARAMETERS, resolveRequestedTarget } from './requested-target.ts';
import { refuse } from './results.ts';

export interface GrantHandlerOptions {
  readonly apis: ApiDirectory;
  readonly maximumLifetimeSeconds: number;
  /** Epoch seconds. */
  readonly now: () => number;
}

/** A token request of an extension grant, as far as it got. The client is authenticated. */
export interface SeenRequest {
  readonly grantType: string;
  scopes: readonly string[];
  target: string | undefined;
  refusal: Refusal | undefined;
}

const seenRequests = new WeakMap<object, SeenRequest>();

/** The request that oidc-provider handed over to an extension grant; undefined for its own grants. */
export function seenRequestOf(ctx: object): SeenRequest | undefined {
  return seenRequests.get(ctx);
}

/**
 * oidc-provider's handler for one extension grant. The client is authenticated and may use the grant; then come scopes,
 * target, the validator, and issuing with the account's check, in this order.
 */
export function createGrantHandler(validator: ExtensionGrantValidator, options: GrantHandlerOptions) {
  const { grantType } = validator;

  return async function handleGrant(ctx: TokenEndpointGrantContext): Promise<void> {
    const seen: SeenRequest = { grantType, scopes: [], target: undefined, refusal: undefined };
    seenRequests.set(ctx, seen);
    try {
      await handle(ctx, seen);
    } catch (error) {
      if (error instanceof RefusedGrant) seen.refusal = error.refusal;
      throw error;
    }
  };

  async function handle(ctx: TokenEndpointGrantContext, seen: SeenRequest): Promise<void> {
    const { provider, client: registered } = ctx.oidc;
    const raw = parametersOf(ctx.oidc.body ?? {});
    const client = { id: registered.clientId, scopes: options.apis.scopesOf(registered.clientId) };
    const requested = resolveRequestedTarget({
      apis: options.apis,
      clientScopes: client.scopes,
      scope: firstOf(raw['scope']),
      audience: raw['audience'],
      resource: raw['resource'],
    });
    if (!requested.ok) throw new RefusedGrant(requested.refusal);
    seen.scopes = requested.scopes;
    seen.target = requested.target;

    const dpop = await validateDpop(provider, ctx);
    checkDpopRequired(provider, ctx, dpop);
    const result = await validate({
      grantType,
      raw,
      client,
      scopes: requested.scopes,
      target: requested.target,
      audience: firstOf(raw['audience']),
      resource: firstOf(raw['resource']),
      dpopThumbprint: dpop?.thumbprint,
      now: options.now(),
    });
    if (result.kind === 'refusal') throw new RefusedGrant(result);
    await issue(result, { ctx, grantType, client, requested, dpop, ...options });
  }

  /** No answer refuses. An error is wrapped, so that one that claims to be fit for the wire is not shown there either. */
  async function validate(request: ExtensionGrantRequest): Promise<GrantResult> {
    let result: GrantResult | undefined;
    try {
      result = await validator.validate(request);
    } catch (cause) {
      throw new Error(`the validator of the grant ${grantType} failed`, { cause });
    }
    return result ?? refuse('invalid_grant', 'the grant was not accepted', { detail: 'no_result' });
  }
}

const CREDENTIALS: readonly string[] = ['client_secret', 'client_assertion', 'client_assertion_type'];

/** The form without client credentials. Empty parameters are absent (RFC 6749 §3.1); most may not repeat (§3.2). */
function parametersOf(body: Readonly<Record<string, unknown>>): ExtensionGrantRequest['raw'] {
  const raw = Object.create(null) as Record<string, string | string[]>;
  for (const name of Object.keys(body)) {
    if (CREDENTIALS.includes(name)) continue;
    const sent = body[name];
    if (typeof sent === 'string') {
      if (sent !== '') raw[name] = sent;
      continue;
    }
    const values = Array.isArray(sent) ? sent.filter((value): value is string => isText(value)) : [];
    const [first] = values;
    if (first === undefined) continue;
    raw[name] = values.length === 1 ? first : values;
    if (values.length > 1 && !REPEATABLE_PARAMETERS.includes(name)) {
      throw new RefusedGrant(refuse('invalid_request', `${name} must not be repeated`));
    }
  }
  return raw;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** The value of a parameter, or the first of several. */
function firstOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
