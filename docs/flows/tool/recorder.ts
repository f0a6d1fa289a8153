/** Stands between the services of a run and records their requests and answers. */
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { BACK_ENDS, clientIdOf } from '@behalf/service/services';
import { decodeToken } from './present.ts';

/** Who talks to whom in a recorded run. */
export type Party = 'browser' | (typeof BACK_ENDS)[number]['name'];

/** One request with its answer, as it went over the wire: it still holds tokens and secrets. */
export interface Exchange {
  readonly from: Party;
  readonly to: Party;
  readonly method: string;
  readonly url: URL;
  readonly requestHeaders: Headers;
  readonly requestBody: string;
  readonly status: number;
  readonly responseHeaders: Headers;
  readonly responseBody: string;
  /** Position among everything that began and ended in the run. */
  readonly began: number;
  readonly ended: number;
}

export type Recorder = ReturnType<typeof createRecorder>;

const NOT_RELAYED = new Set(['host', 'connection', 'keep-alive', 'content-length', 'transfer-encoding']);
const NOT_RETURNED = new Set(['content-length', 'content-encoding', 'transfer-encoding', 'connection']);
const PATIENCE_MS = 10_000;

/** `partyAt` tells which service has an origin. */
export function createRecorder(partyAt: (origin: string) => Party | undefined) {
  let recorded: Exchange[] = [];
  let position = 0;
  const servers: Server[] = [];
  const news = new EventEmitter();

  const record = async (from: Party, to: Party, request: Request): Promise<Response> => {
    const began = position++;
    const requestBody = await request.clone().text();
    const response = await fetch(request);
    recorded.push({
      from,
      to,
      method: request.method,
      url: new URL(request.url),
      requestHeaders: new Headers(request.headers),
      requestBody,
      status: response.status,
      responseHeaders: new Headers(response.headers),
      responseBody: await response.clone().text(),
      began,
      ended: position++,
    });
    news.emit('recorded');
    return response;
  };

  const relay = async (to: Party, target: string, incoming: IncomingMessage): Promise<Response> => {
    const body = await buffer(incoming);
    const headers = Object.entries(incoming.headers).filter(([name]) => !NOT_RELAYED.has(name));
    const request = new Request(target + (incoming.url ?? '/'), {
      method: incoming.method ?? 'GET',
      headers: headers.map(([name, value]) => [name, String(value)] as [string, string]),
      redirect: 'manual',
      ...(body.length > 0 && { body }),
    });
    const from = senderOf(to, request, body.toString('utf8'));
    return from === undefined ? fetch(request) : record(from, to, request);
  };

  return {
    /** Sends as one party and records it. Redirects are not followed. */
    fetchAs:
      (from: Party): typeof fetch =>
      (input, init) => {
        const request = new Request(input, { ...init, redirect: 'manual' });
        const to = partyAt(new URL(request.url).origin);
        if (to === undefined) throw new Error(`${request.url} is no part of the system`);
        return record(from, to, request);
      },
    /** The exchanges since the last time, in order. */
    take(): readonly Exchange[] {
      const taken = recorded.toSorted((one, other) => one.began - other.began);
      recorded = [];
      return taken;
    },
    /** Resolves once the exchanges since the last `take` satisfy this. Rejects after ten seconds. */
    async until(satisfied: (exchanges: readonly Exchange[]) => boolean): Promise<void> {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      while (!satisfied(recorded)) await once(news, 'recorded', { signal });
    },
    /** Relays requests to a service and records those whose sender can be told. */
    async listenFor(to: Party, port: number, target: string): Promise<void> {
      const server = createServer((incoming, outgoing) => {
        relay(to, target, incoming).then(
          (response) => answer(outgoing, response),
          () => outgoing.destroy(),
        );
      });
      servers.push(server);
      await once(server.listen(port, 'localhost'), 'listening');
    },
    async close(): Promise<void> {
      for (const server of servers) server.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

async function answer(outgoing: ServerResponse, response: Response): Promise<void> {
  const headers = [...response.headers].filter(([name]) => !NOT_RETURNED.has(name));
  outgoing.writeHead(response.status, headers.flat());
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}

const CLIENTS = new Map<string, Party>(BACK_ENDS.map((service) => [clientIdOf(service), service.name]));

/** The sender, as the request itself shows; undefined for keys and metadata, which need no client. */
function senderOf(to: Party, { url, headers }: Request, body: string): Party | undefined {
  if (new URL(url).pathname === '/backchannel-logout') return 'sts';
  const [scheme, credentials = ''] = (headers.get('authorization') ?? '').split(' ');
  if (to === 'sts') {
    const basic = Buffer.from(credentials, 'base64').toString('utf8').split(':', 1)[0] ?? '';
    const client =
      scheme === 'Basic' ? decodeURIComponent(basic) : new URLSearchParams(body).get('client_id');
    return CLIENTS.get(client ?? '');
  }
  const token = decodeToken(credentials);
  if (token === undefined) return undefined;
  return CLIENTS.get(String(token.claims['client_id'])) ?? 'sts';
}
