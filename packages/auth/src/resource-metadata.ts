export interface ProtectedResourceOptions {
  /** The API's resource identifier. */
  readonly resource: string;
  /** Identifiers of the issuers whose tokens it takes. */
  readonly authorizationServers: readonly string[];
  readonly scopes: readonly string[];
  /** For people. */
  readonly name?: string | undefined;
  readonly documentation?: string | undefined;
}

/**
 * The metadata document of a protected resource (RFC 9728 §2). It says only what is so: bearer tokens, in the header. A
 * list of nothing is left out (§3.2).
 */
export function protectedResourceDocument(
  options: ProtectedResourceOptions,
): Readonly<Record<string, unknown>> {
  const { authorizationServers, scopes } = options;
  return {
    resource: options.resource,
    ...(authorizationServers.length === 0 ? {} : { authorization_servers: authorizationServers }),
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    ...(options.name === undefined ? {} : { resource_name: options.name }),
    ...(options.documentation === undefined ? {} : { resource_documentation: options.documentation }),
  };
}
