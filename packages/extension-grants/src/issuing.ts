import type { TokenEndpointGrantContext } from 'oidc-provider';
import type { GrantClient, TargetDirectory } from './contract.ts';
import type { DPoPValidationResult } from './oidc-provider-internals.ts';

/** One request on its way to a token. */
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
