import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { authOf, type RequestAuth } from '@behalf/auth/express';
import type { Logger } from '@behalf/service';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import type { Request as ExpressRequest, RequestHandler } from 'express';

/** Adds the tools for one caller. */
export type AddTools = (server: McpServer, caller: RequestAuth) => void;

/**
 * The MCP endpoint as the last handler of a protected route: each request gets a server of its own with the tools of its
 * caller, and no session is kept. A body must have been read before. Not checked: the token.
 */
export function mcpEndpoint(addTools: AddTools, logger: Logger): RequestHandler {
  const handler = createMcpHandler(
    ({ authInfo }) => {
      const server = new McpServer({ name: 'behalf-agent', version: '0.1.0', title: 'Behalf agent' });
      addTools(server, authInfo?.extra?.['caller'] as RequestAuth);
      return server;
    },
    { onerror: (error) => logger.info({ err: error }, 'an MCP request could not be served') },
  );
  return async (request, response) => {
    const caller = authOf(request);
    const { clientId, scopes } = caller;
    const answer = await handler.fetch(webRequestOf(request), {
      parsedBody: request.body,
      authInfo: { token: '', clientId, scopes: [...scopes], extra: { caller } },
    });
    response.status(answer.status);
    for (const [name, value] of answer.headers) response.setHeader(name, value);
    if (answer.body === null) return void response.end();
    // Ends the stream when the caller has gone.
    await pipeline(Readable.fromWeb(answer.body), response).catch(() => undefined);
  };
}

/** Without the token: the tools have the caller. */
function webRequestOf({ method, headers, body }: ExpressRequest): Request {
  const forwarded = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (name !== 'authorization' && typeof value === 'string') forwarded.set(name, value);
  }
  return new Request('http://agent/mcp', {
    method,
    headers: forwarded,
    ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
  });
}
