import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TokenSource } from '../../src/api/api-client.ts';
import type { ClientConfig } from '../../src/config.ts';

/** A request that a service got: method and path, and the token. */
export interface Asked {
  readonly route: string;
  readonly token: string | undefined;
  readonly idempotencyKey: string | undefined;
}

export interface Answer {
  readonly status?: number;
  /** `WWW-Authenticate`. */
  readonly challenge?: string;
  /** A promise keeps the client waiting. */
  readonly body?: unknown;
}

/** A real HTTP server that answers as told; the services' own answers are tried in the browser tests. */
export interface HttpServices {
  readonly url: string;
  readonly asked: Asked[];
  close(): Promise<void>;
}

export async function startHttpServices(answer: (route: string) => Answer): Promise<HttpServices> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Allow-Headers', 'authorization, content-type, idempotency-key');
    response.setHeader('Access-Control-Expose-Headers', 'www-authenticate');
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST, DELETE');
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
      return;
    }
    const { status = 200, challenge, body } = note(request);
    void Promise.resolve(body).then((content) => {
      if (challenge !== undefined) response.setHeader('WWW-Authenticate', challenge);
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(content === undefined ? undefined : JSON.stringify(content));
    });
  });

  function note(request: IncomingMessage): Answer {
    const route = `${request.method} ${request.url}`;
    asked.push({
      route,
      token: request.headers.authorization?.replace('Bearer ', ''),
      idempotencyKey: request.headersDistinct['idempotency-key']?.[0],
    });
    return answer(route);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, asked, close: () => close(server) };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => void server.close(() => resolve()));
}

/** Tokens `token-1`, `token-2` …: the present one again, until it is given back as rejected. */
export function numberedTokens(): TokenSource {
  let number = 1;
  return {
    accessToken: async (_resource, rejected) => {
      if (rejected === `token-${number}`) number++;
      return `token-${number}`;
    },
  };
}

/** Every service at one address, each with a name of its own. */
export function configAt(url: string): ClientConfig {
  return {
    issuer: url,
    clientId: 'web.client',
    api1Url: url,
    api1Resource: 'http://api1.example',
    api2Url: url,
    api2Resource: 'http://api2.example',
    subscriptionsResource: 'http://subscriptions.example',
    agentUrl: 'http://agent.example',
    agentResource: 'http://agent.example',
    experiments: true,
  };
}
