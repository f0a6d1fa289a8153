import type { Provider } from 'oidc-provider';
import type { ApiDirectory, ExtensionGrantValidator, RefusedRequest } from './contract.ts';
import { createGrantHandler } from './grant-handler.ts';
import { assertLifetime } from './issue.ts';
import { hasResourceIndicators, knownGrantTypes } from './oidc-provider-internals.ts';
import { REPEATABLE_PARAMETERS } from './requested-target.ts';
import { createTokenAnswers } from './token-answers.ts';

export interface RegisterExtensionGrantsOptions {
  readonly validators: readonly ExtensionGrantValidator[];
  readonly apis: ApiDirectory;
  /**
   * Told of every refusal of an authenticated client at the token endpoint, and awaited before the answer is sent. Of
   * oidc-provider's own grants only refusals are reported that cannot have come before client authentication.
   */
  readonly onRefused?: (refused: RefusedRequest) => Promise<void>;
  /** No token lives longer. Default 300. */
  readonly maximumLifetimeSeconds?: number;
  /** Epoch seconds. */
  readonly now?: () => number;
  /** Hears of failures that have no answer of their own. What validators throw is oidc-provider's event `server_error`. */
  readonly logger?: { error(details: { readonly err: unknown }, message: string): void };
}

/** The parameters that oidc-provider reads itself. All other parameters reach the validator as well, in `raw`. */
const PARAMETERS = [
  'scope',
  'audience',
  'resource',
  'token',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
];

const registered = new WeakSet<Provider>();

/**
 * Adds extension grants (RFC 6749 §4.5) to an oidc-provider, and to its discovery document. Call it once, before the
 * provider serves. The provider's `features.resourceIndicators` must be on, `getResourceServerInfo` must know every API
 * of `apis`, and `extraTokenClaims` must return what this package's function of that name returns.
 *
 * Throws on two validators of one name, a built-in grant's name, and a name with a space.
 */
export function registerExtensionGrants(provider: Provider, options: RegisterExtensionGrantsOptions): void {
  const { validators, apis, onRefused, maximumLifetimeSeconds = 300, now = systemClock, logger } = options;
  if (registered.has(provider))
    throw new Error('the extension grants of this provider are registered already');
  assertGrantNames(
    validators.map(({ grantType }) => grantType),
    knownGrantTypes(provider),
  );
  assertLifetime(maximumLifetimeSeconds);
  if (!hasResourceIndicators(provider)) throw new Error('features.resourceIndicators must be enabled');

  registered.add(provider);
  for (const validator of validators) {
    const handler = createGrantHandler(validator, { apis, maximumLifetimeSeconds, now });
    provider.registerGrantType(validator.grantType, handler, PARAMETERS, REPEATABLE_PARAMETERS);
  }
  const onFailure = (err: unknown) => logger?.error({ err }, 'a refusal could not be recorded');
  provider.use(createTokenAnswers(provider, { onRefused, onFailure, now }));
}

function systemClock(): number {
  return Math.floor(Date.now() / 1000);
}

/** Names that oidc-provider or the protocols themselves take, whether switched on or not. */
const BUILT_IN: ReadonlySet<string> = new Set([
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'implicit',
  'hybrid',
  'password',
  'none',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:openid:params:grant-type:ciba',
  'urn:ietf:params:oauth:grant-type:pre-authorized_code',
]);

/** Throws on a name that is no name (RFC 6749 §4.5, appendix A.10), that is a built-in grant's, or that is taken twice. */
function assertGrantNames(names: readonly string[], known: ReadonlySet<string>): void {
  const taken = new Set<string>();
  for (const name of names) {
    const quoted = JSON.stringify(name);
    if (typeof name !== 'string' || !(/^[\w.-]+$/.test(name) || isAbsoluteUri(name))) {
      throw new TypeError(`the grant type ${quoted} is neither a plain name nor an absolute URI`);
    }
    if (BUILT_IN.has(name) || known.has(name)) throw new TypeError(`the grant type ${quoted} is built in`);
    if (taken.has(name)) throw new TypeError(`two validators have the grant type ${quoted}`);
    taken.add(name);
  }
}

function isAbsoluteUri(name: string): boolean {
  return (
    /^[a-z][a-z\d+.-]*:[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+$/i.test(name) && URL.canParse(name)
  );
}
