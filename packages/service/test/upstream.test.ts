import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createUpstream } from '../src/upstream.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('sends a bound token with a proof for the API by its identifier, and any other as a bearer token (RFC 9449 §7.1)', async () => {
  const seen: unknown[] = [];
  const url = await listen(({ headers }, response) => {
    seen.push([headers.authorization, headers['dpop']]);
    response.end();
  });
  const upstream = createUpstream({ name: 'Next', url, resource: 'https://next.example' });
  const prove = (method: string, address: string) => Promise.resolve(`proof of ${method} ${address}`);
  await upstream.send({ method: 'POST', path: '/a?b', accessToken: 'T', prove });
  await upstream.send({ path: '/a', accessToken: 'T' });
  expect(seen).toEqual([
    ['DPoP T', 'proof of POST https://next.example/a?b'],
    ['Bearer T', undefined],
  ]);
});

it.each([301, 302, 303, 307, 308])(
  'sends a token to one address alone: %i is the answer, and is not followed (RFC 6750 §5.3)',
  async (status) => {
    const presented: (string | undefined)[] = [];
    const elsewhere = await listen((request, response) => {
      presented.push(request.headers.authorization);
      response.end();
    });
    const url = await listen((_request, response) => {
      response.writeHead(status, { location: elsewhere }).end();
    });
    const answer = await createUpstream({ name: 'Next', url }).send({ path: '/', accessToken: 'token' });
    expect(answer.status).toBe(status);
    expect(presented).toEqual([]);
  },
);
