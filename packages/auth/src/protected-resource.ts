/** The metadata of a protected resource (RFC 9728). */

import { assertOptions } from './options.ts';

export interface ProtectedResourceOptions {
  /** The API's resource identifier. */
  readonly resource: string;
  /** Identifiers of the issuers whose tokens it takes. */
  readonly authorizationServers: readonly string[];
  readonly scopes: readonly string[];
  /** Of DPoP proofs, when it takes them. */
  readonly dpopAlgorithms?: readonly string[] | undefined;
  /** For people. */
  readonly name?: string | undefined;
}

/**
 * The metadata document of a protected resource (RFC 9728 §2): bearer tokens, in the header. An empty list is left out
 * (§3.2).
 */
export function protectedResourceDocument(
  options: ProtectedResourceOptions,
): Readonly<Record<string, unknown>> {
  const { resource, authorizationServers, scopes, dpopAlgorithms, name } = options;
  assertOptions('name', { resource, ...(name === undefined ? {} : { name }) });
  for (const entry of [...authorizationServers, ...scopes])
    assertOptions('name', { 'each of authorizationServers and scopes': entry });
  return {
    resource,
    ...(authorizationServers.length === 0 ? {} : { authorization_servers: authorizationServers }),
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    ...(dpopAlgorithms === undefined ? {} : { dpop_signing_alg_values_supported: dpopAlgorithms }),
    ...(name === undefined ? {} : { resource_name: name }),
  };
}

/** Where the metadata of a resource is (RFC 9728 §3.1): the well-known part goes between host and path of its identifier. */
export function resourceMetadataUrl(resource: string): string {
  const url = new URL(resource);
  const path = url.pathname === '/' ? '' : url.pathname;
  return `${url.origin}/.well-known/oauth-protected-resource${path}${url.search}`;
}
