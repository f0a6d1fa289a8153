import { Writable } from 'node:stream';
import express, { type Express } from 'express';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import {
  allowOnly,
  allowOrigin,
  apiHeaders,
  createLogger,
  currentRequestId,
  healthRoutes,
  jsonBody,
  notFound,
  problem,
  problemHandler,
  requestLogging,
} from '../src/index.ts';

const PROBLEM = 'https://behalf.example/problems/';

function createTestApp(ready: () => Promise<void> | void = () => undefined) {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const logger = createLogger({ service: 'test', level: 'debug', destination });
  const app: Express = express().disable('x-powered-by');
  app.use(requestLogging(logger), apiHeaders);
  app.use(
    allowOrigin({
      origin: 'http://web.example',
      methods: ['GET'],
      requestHeaders: ['Authorization'],
      exposedHeaders: ['Location'],
    }),
  );
  app.use(healthRoutes({ ready }));
  app.get('/id', (_request, response) => void response.json({ id: currentRequestId() }));
  app.get('/items/:id', (req, response) => void response.json({ id: req.params.id }));
  app.all('/id', allowOnly('GET'));
  app.post('/echo', jsonBody({ limitBytes: 100 }), (req, response) => void response.json(req.body));
  app.get('/refused', () => {
    throw problem({
      status: 422,
      type: 'too-late',
      title: 'Too late',
      detail: 'It closed at noon.',
      members: { closedAt: 12, status: 200 },
      headers: { 'Retry-After': '60' },
    });
  });
  app.get('/bug', () => {
    throw new Error('the database password is hunter2');
  });
  app.get('/outage', () => {
    throw Object.assign(new Error('gone'), { code: 'GONE' });
  });
  app.use(notFound());
  app.use(problemHandler(logger, { isOutage: (error) => error instanceof Error && 'code' in error }));
  return { app, lines };
}

describe('problem details (RFC 9457)', () => {
  it('sends a thrown problem with its type, members and headers', async () => {
    const response = await request(createTestApp().app).get('/refused');
    expect(response.status).toBe(422);
    expect(response.type).toBe('application/problem+json');
    expect(response.headers).toMatchObject({ 'retry-after': '60', 'cache-control': 'no-store' });
    expect(JSON.parse(response.text)).toEqual({
      type: `${PROBLEM}too-late`,
      title: 'Too late',
      status: 422,
      detail: 'It closed at noon.',
      closedAt: 12,
    });
  });

  it('tells nothing about an unexpected error, and logs it with the request id', async () => {
    const { app, lines } = createTestApp();
    const response = await request(app).get('/bug').set('X-Request-Id', 'request-0001');
    expect(response.status).toBe(500);
    expect(response.text).not.toContain('hunter2');
    expect(JSON.parse(response.text)).toMatchObject({ type: `${PROBLEM}internal-error`, status: 500 });
    const line = JSON.parse(lines.find((text) => text.includes('hunter2')) ?? '{}') as object;
    expect(line).toMatchObject({ request_id: 'request-0001', level: 'error' });
  });

  it('answers 503 with Retry-After while something it depends on is out', async () => {
    const response = await request(createTestApp().app).get('/outage');
    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toBe('5');
    expect(JSON.parse(response.text)).toMatchObject({ type: `${PROBLEM}unavailable` });
  });

  it.each([
    ['an unknown path', 'get', '/nowhere', 404, 'not-found'],
    ['a path that does not decode', 'get', '/items/%E0%A4%A', 400, 'bad-request'],
    ['another method', 'delete', '/id', 405, 'method-not-allowed'],
  ] as const)('answers %s', async (_what, method, path, status, type) => {
    const response = await request(createTestApp().app)[method](path);
    expect([response.status, JSON.parse(response.text)]).toEqual([
      status,
      expect.objectContaining({ type: PROBLEM + type, status }),
    ]);
  });

  it('says which methods a path has (RFC 9110 §15.5.6)', async () => {
    const { app } = createTestApp();
    expect((await request(app).delete('/id')).headers['allow']).toBe('GET, HEAD, OPTIONS');
    expect((await request(app).options('/id')).status).toBe(204);
    expect((await request(app).head('/id')).status).toBe(200);
  });
});

describe('jsonBody', () => {
  it.each([
    ['a form', 'application/x-www-form-urlencoded', 'a=1', 415],
    ['a JSON-like type', 'text/json', '{}', 415],
    ['what does not parse', 'application/json', '{"a":', 400],
    ['a bare string', 'application/json', '"a"', 400],
    ['an unknown character set', 'application/json; charset=latin9', '{}', 415],
    ['more than the limit', 'application/json', JSON.stringify({ a: 'x'.repeat(200) }), 413],
  ])('refuses %s', async (_what, type, body, status) => {
    const response = await request(createTestApp().app).post('/echo').set('Content-Type', type).send(body);
    expect(response.status).toBe(status);
    expect(response.type).toBe('application/problem+json');
  });

  it('refuses a compressed body, which could hide its size', async () => {
    const response = await request(createTestApp().app)
      .post('/echo')
      .set({ 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' })
      .send('{}');
    expect(response.status).toBe(415);
  });

  it('reads JSON with a character set', async () => {
    const response = await request(createTestApp().app)
      .post('/echo')
      .set('Content-Type', 'application/json; charset=utf-8')
      .send('{"a":"é"}');
    expect(response.body).toEqual({ a: 'é' });
  });
});

describe('request ids and the request log', () => {
  it('keeps a well-formed id, answers it, and knows it while answering', async () => {
    const response = await request(createTestApp().app).get('/id').set('X-Request-Id', 'abc.DEF-123_x');
    expect(response.headers['x-request-id']).toBe('abc.DEF-123_x');
    expect(response.body).toEqual({ id: 'abc.DEF-123_x' });
  });

  it.each(['short', 'x'.repeat(65), 'has space in it', 'semi;colon;here'])(
    'replaces an id that is not well-formed: %s',
    async (id) => {
      const response = await request(createTestApp().app).get('/id').set('X-Request-Id', id);
      expect(response.headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
    },
  );

  it('logs method, path, status and time, never query or headers', async () => {
    const { app, lines } = createTestApp();
    await request(app).get('/id?code=very-secret-code').set('Authorization', 'Bearer very-secret-token');
    const line = lines.find((text) => text.includes('"path":"/id"')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({
      method: 'GET',
      path: '/id',
      status: 200,
      ms: expect.any(Number) as number,
    });
    expect(lines.join('')).not.toContain('very-secret');
  });
});

describe('health', () => {
  it('is live whatever else is broken, and ready only when it can work', async () => {
    const broken = createTestApp(() => Promise.reject(new Error('no database')));
    expect((await request(broken.app).get('/health/live')).body).toEqual({ status: 'live' });
    const response = await request(broken.app).get('/health/ready');
    expect([response.status, response.body]).toEqual([503, { status: 'unavailable' }]);
    expect(response.headers['cache-control']).toBe('no-store');
    expect((await request(createTestApp().app).get('/health/ready')).body).toEqual({ status: 'ready' });
  });
});

describe('response headers', () => {
  it('forbid sniffing, framing and storing, and do not name the framework', async () => {
    const { headers } = await request(createTestApp().app).get('/id');
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'") as string,
      'cache-control': 'no-store',
    });
    expect(headers['x-powered-by']).toBeUndefined();
  });

  it('let the pages of one origin call, and no others', async () => {
    const { app } = createTestApp();
    const preflight = (origin: string) =>
      request(app).options('/id').set({ Origin: origin, 'Access-Control-Request-Method': 'GET' });
    const allowed = await preflight('http://web.example');
    expect([allowed.status, allowed.headers['access-control-allow-origin']]).toEqual([
      204,
      'http://web.example',
    ]);
    for (const origin of [
      'http://web.example.evil.example',
      'http://web.example:81',
      'null',
      'https://web.example',
    ]) {
      expect((await preflight(origin)).headers['access-control-allow-origin']).toBeUndefined();
    }
    const simple = await request(app).get('/id').set('Origin', 'http://web.example');
    expect(simple.headers).toMatchObject({
      'access-control-allow-origin': 'http://web.example',
      'access-control-expose-headers': 'Location',
      vary: 'Origin',
    });
    expect(simple.headers['access-control-allow-credentials']).toBeUndefined();
  });
});
