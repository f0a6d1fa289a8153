import {
  type AccessTokenVerifier,
  type DelegationClient,
  type LiveTokenCheck,
  protectedResourceDocument,
  resourceMetadataUrl,
} from '@behalf/auth';
import { requireAccessToken, requireLiveToken, requireScope, requireUser } from '@behalf/auth/express';
import { jsonBody, type Logger, requestIdOf, type Upstream } from '@behalf/service';
import { createApi } from '@behalf/service/api';
import type { Express } from 'express';
import { mcpEndpoint } from './mcp.ts';
import { createTools } from './tools.ts';

export interface AppDependencies {
  readonly logger: Logger;
  /** Its audience is this service's resource identifier. */
  readonly verifier: AccessTokenVerifier;
  readonly live: LiveTokenCheck;
  readonly delegation: DelegationClient;
  readonly api2: Upstream;
  /** The web client's address. */
  readonly webUrl: string;
}

const SCOPES = ['agent'];

/**
 * An MCP server (streamable HTTP) whose tools act for a user. Any MCP client can connect, from any origin: the challenge
 * leads it to the metadata, and that to the STS (MCP authorization, RFC 9728).
 */
export function createApp({ logger, verifier, live, delegation, api2, webUrl }: AppDependencies): Express {
  // MCP clients compare `resource` with the address that they connect to.
  const resource = `${verifier.audience}/mcp`;
  const resourceMetadata = resourceMetadataUrl(resource);
  const metadata = protectedResourceDocument({
    resource,
    authorizationServers: [verifier.issuer],
    scopes: SCOPES,
    name: 'Behalf agent',
  });
  const authenticate = requireAccessToken(verifier, {
    resourceMetadata,
    scopes: SCOPES,
    onRefused: (refused, request) => logger.info({ request_id: requestIdOf(request), ...refused }, 'refused'),
  });
  return createApi(
    {
      name: 'Behalf agent',
      logger,
      verifier,
      scopes: SCOPES,
      // The token is in a header, so a page of another site has nothing that the user has not given it.
      cors: {
        origin: '*',
        methods: ['GET', 'POST', 'DELETE'],
        exposedHeaders: ['Mcp-Session-Id', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'],
      },
    },
    (api) => {
      api.get(new URL(resourceMetadata).pathname, (_request, response) => {
        response.set('Cache-Control', 'public, max-age=300').json(metadata);
      });
      const forTheUser = [authenticate, requireScope('agent'), requireUser(), requireLiveToken(live)];
      const endpoint = mcpEndpoint(createTools({ delegation, api2, webUrl }), logger);
      api.post('/mcp', forTheUser, jsonBody(), endpoint);
      api.all('/mcp', forTheUser, endpoint);
    },
  );
}
