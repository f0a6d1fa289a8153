import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { decodeToken, type Exchange, type Party } from './exchange.ts';

export interface Recorder {
  /** Sends as one party and records it. Redirects are not followed. */
  fetchAs(from: Party): typeof fetch;
  /** What was recorded since the last time, in order. */
  take(): readonly Exchange[];
  /** Resolves once what was recorded since the last `take` satisfies this. Rejects after ten seconds. */
  until(satisfied: (exchanges: readonly Exchange[]) => boolean): Promise<void>;
  /** Passes requests on to a service and records those whose sender can be told. Resolves with the recorder's port. */
  listenFor(to: Party, port: number, target: string): Promise<void>;
  close(): Promise<void>;
}

const NOT_PASSED_ON = new Set(['host', 'connection', 'keep-alive', 'content-length', 'transfer-encoding']);
const NOT_PASSED_BACK = new Set(['content-length', 'content-encoding', 'transfer-encoding', 'connection']);
const PATIENCE_MS = 10_000;

/** Records what services say to each other. `partyAt` tells which one has an origin. */
export function createRecorder(partyAt: (origin: string) => Party | undefined): Recorder {
  let recorded: Exchange[] = [];
  let position = 0;
  const servers: Server[] = [];
  const waiting = new Set<() => void>();

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
    for (const look of waiting) look();
    return response;
  };

  const passOn = async (to: Party, target: string, incoming: IncomingMessage): Promise<Response> => {
    const body = await buffer(incoming);
    const headers = Object.entries(incoming.headers).filter(([name]) => !NOT_PASSED_ON.has(name));
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
    fetchAs: (from) => (input, init) => {
      const request = new Request(input, { ...init, redirect: 'manual' });
      const to = partyAt(new URL(request.url).origin);
      if (to === undefined) throw new Error(`${request.url} is no part of the system`);
      return record(from, to, request);
    },
    take() {
      const taken = recorded.toSorted((one, other) => one.began - other.began);
      recorded = [];
      return taken;
    },
    until(satisfied) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(
        () => reject(new Error('what the flow waits for did not happen')),
        PATIENCE_MS,
      );
      const look = () => {
        if (satisfied(recorded)) resolve();
      };
      waiting.add(look);
      look();
      return promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(look);
      });
    },
    async listenFor(to, port, target) {
      const server = createServer((incoming, outgoing) => {
        passOn(to, target, incoming).then(
          (response) => answer(outgoing, response),
          () => outgoing.destroy(),
        );
      });
      servers.push(server);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      server.once('error', reject).listen(port, 'localhost', resolve);
      await promise;
    },
    async close() {
      for (const server of servers) server.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

async function answer(outgoing: ServerResponse, response: Response): Promise<void> {
  const headers = [...response.headers].filter(([name]) => !NOT_PASSED_BACK.has(name));
  outgoing.writeHead(response.status, headers.flat());
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}

const CLIENTS: Readonly<Record<string, Party>> = {
  'api1.client': 'api1',
  'api2.client': 'api2',
  'subscriptions.client': 'subscriptions',
};

/** Who sent it, as the request itself shows; undefined for keys and metadata, which anybody fetches. */
function senderOf(to: Party, { url, headers }: Request, body: string): Party | undefined {
  if (new URL(url).pathname === '/backchannel-logout') return 'sts';
  const [scheme, credentials = ''] = (headers.get('authorization') ?? '').split(' ');
  if (to === 'sts') {
    const basic = Buffer.from(credentials, 'base64').toString('utf8').split(':', 1)[0] ?? '';
    const client =
      scheme === 'Basic' ? decodeURIComponent(basic) : new URLSearchParams(body).get('client_id');
    return CLIENTS[client ?? ''];
  }
  const token = decodeToken(credentials);
  if (token === undefined) return undefined;
  if (to === 'subscriptions') return CLIENTS[String(token.claims['client_id'])] ?? 'sts';
  return to === 'api2' ? 'api1' : undefined;
}
