import { once } from 'node:events';
import { createServer, request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { PROBLEM, userToken, useTestApi1, WEB } from './support/api1.ts';

const api = useTestApi1();

interface RawRequest {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

/** A request exactly as written: no client library tidies up path or headers. */
async function raw(path: string, { method = 'GET', headers = {}, body }: RawRequest = {}) {
  const server = createServer(api.app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const done = Promise.withResolvers<{ status: number; text: string; headers: OutgoingHttpHeaders }>();
  const outgoing = httpRequest(
    {
      port,
      host: '127.0.0.1',
      path,
      method,
      headers: { authorization: `Bearer ${userToken()}`, ...headers },
    },
    (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () =>
        done.resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
      );
    },
  );
  outgoing.once('error', done.reject).end(body);
  try {
    return await done.promise;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const pay = (headers: OutgoingHttpHeaders, body = '{}') =>
  raw('/payments', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });

describe('an Idempotency-Key', () => {
  it.each<[string, OutgoingHttpHeaders]>([
    ['is missing', {}],
    ['is empty', { 'idempotency-key': '' }],
    ['comes twice, which would join two keys to a third', { 'idempotency-key': ['one', 'two'] }],
    ['is longer than 64 characters', { 'idempotency-key': 'x'.repeat(65) }],
    ['has characters outside of ASCII', { 'idempotency-key': 'k\u00e9y' }],
  ])('that %s is refused before anything is asked of anybody', async (_what, headers) => {
    const { status, text } = await pay(headers);
    expect([status, JSON.parse(text)]).toEqual([
      400,
      expect.objectContaining({ type: `${PROBLEM}idempotency-key-required` }),
    ]);
    expect([api.tokenRequests(), api.seen.length]).toEqual([0, 0]);
  });
});

describe('a path', () => {
  it.each(['/payments/..', '/payments/.', '/payments/%2e%2e', '/payments/%2E'])(
    '%s does not step out of its place at API2 (URL standard §4.5)',
    async (path) => {
      expect((await raw(path)).status).toBe(404);
      expect(api.seen).toEqual([]);
    },
  );

  it.each([
    ['/payments/..%2F..%2Finsights', '/payments/..%2F..%2Finsights'],
    ['/payments/%5C..%5Cinsights', '/payments/%5C..%5Cinsights'],
    ['/payments/a%23b%3Fc', '/payments/a%23b%3Fc'],
    ['/payments/%252e%252e', '/payments/%252e%252e'],
  ])('%s stays one segment', async (path, at) => {
    await raw(path);
    expect(api.seen.map(({ url }) => url)).toEqual([at]);
  });

  it('of another host is not where API1 goes', async () => {
    await raw('http://evil.example/payments?limit=1', { headers: { host: 'evil.example' } });
    await raw('/payments?limit=1&x=@evil.example/', { headers: { 'x-forwarded-host': 'evil.example' } });
    expect(api.seen.map(({ url, headers }) => [url, headers['x-forwarded-host']])).toEqual([
      ['/payments?limit=1', undefined],
      ['/payments?limit=1&x=@evil.example/', undefined],
    ]);
    expect(api.seen.every(({ headers }) => headers.host?.startsWith('127.0.0.1:'))).toBe(true);
  });

  it('with a longer query than any of API2 goes no further', async () => {
    expect((await raw(`/payments?cursor=${'x'.repeat(600)}`)).status).toBe(400);
    expect(api.seen).toEqual([]);
  });
});

describe('a header', () => {
  it('of the caller reaches API2 only when it is meant for it', async () => {
    await raw('/accounts', {
      headers: {
        cookie: 'a=b',
        'x-forwarded-for': '10.0.0.1',
        'x-http-method-override': 'DELETE',
        'x-request-id': 'bad id\tx',
        'idempotency-key': 'k',
        forwarded: 'for=10.0.0.1',
      },
    });
    const names = Object.keys(api.seen[0]?.headers ?? {});
    for (const name of [
      'cookie',
      'x-forwarded-for',
      'x-http-method-override',
      'idempotency-key',
      'forwarded',
    ])
      expect(names).not.toContain(name);
    expect(api.seen[0]?.headers['x-request-id']).toMatch(/^[\w.-]{8,64}$/);
  });

  it.each([
    ['another host', 'https://evil.example/payments/1'],
    ['another host without a scheme', '//evil.example/'],
    ['another host with a backslash', '/\\evil.example'],
    ['a script', 'javascript:alert(1)'],
  ])('Location of API2 that leads to %s is not passed on', async (_what, location) => {
    api.answerJson(201, { id: 'x' }, { location });
    const response = await pay({ 'idempotency-key': 'k' });
    expect([response.status, response.headers['location']]).toEqual([201, undefined]);
  });
});

describe('a body', () => {
  it.each([
    ['lists', 33, '[', ']'],
    ['lists', 8_000, '[', ']'],
    ['objects', 2_000, '{"a":', '}'],
  ])('of %s in %d levels goes no further', async (_what, depth, open, close) => {
    const inner = open === '[' ? '' : '1';
    const response = await pay({ 'idempotency-key': 'k' }, open.repeat(depth) + inner + close.repeat(depth));
    expect(response.status).toBe(400);
    expect(api.seen).toEqual([]);
  });

  it('cannot change what objects inherit', async () => {
    const body = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    await pay({ 'idempotency-key': 'k' }, body);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(api.seen[0]?.body).toBe(body);
  });

  it('cannot be announced in two ways (RFC 9112 §6.3)', async () => {
    const response = await pay({
      'idempotency-key': 'k',
      'transfer-encoding': 'chunked',
      'content-length': '2',
    }).catch((error: unknown) => error);
    expect(response).toMatchObject({ status: 400 });
    expect(api.seen).toEqual([]);
  });
});

describe('every answer', () => {
  it('to anyone is for one origin and is not stored', async () => {
    for (const path of ['/identity', '/accounts', '/chain', '/experiments', '/nowhere', '/payments/..'])
      for (const headers of [{}, { authorization: 'Bearer x' }, { authorization: '' }])
        for (const origin of [WEB, `${WEB}.evil.example`, 'null', WEB.toUpperCase()]) {
          const answer = await raw(path, { headers: { ...headers, origin } });
          expect(answer.headers['cache-control']).toBe('no-store');
          expect(answer.headers['vary']).toMatch(/\bOrigin\b/);
          expect(answer.headers['access-control-allow-origin']).toBe(origin === WEB ? WEB : undefined);
          expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
        }
  });

  it('to a preflight of another origin allows nothing', async () => {
    const response = await request(api.app)
      .options('/payments')
      .set({ Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST' });
    expect(Object.keys(response.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });
});
