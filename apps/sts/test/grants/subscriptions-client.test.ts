import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import {
  createSubscriptionsClient,
  type SubscriptionsClientOptions,
} from '../../src/grants/subscriptions-client.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** A subscription service that answers as the test says. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const RECORD = { sub: 'usr_1', plan: 'premium', status: 'active', renewsAt: '2027-01-01T00:00:00.000Z' };

const json =
  (body: unknown, status = 200): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

async function ask(
  listener: RequestListener,
  options: Partial<SubscriptionsClientOptions> = {},
  subject = 'usr_1',
) {
  const service = createSubscriptionsClient({ url: await serve(listener), ...options });
  return service.of(subject, async () => 'own-token');
}

test('asks about one user, with its own token, and gives the record', async () => {
  let seen = '';
  const answer = await ask((request, response) => {
    seen = `${request.method} ${request.url} ${request.headers.authorization}`;
    json(RECORD)(request, response);
  });
  expect(seen).toBe('GET /users/usr_1 Bearer own-token');
  expect(answer).toEqual({
    kind: 'found',
    subscription: { plan: 'premium', status: 'active', renewsAt: '2027-01-01T00:00:00.000Z' },
  });
});

test('a user name cannot lead the question to another path', async () => {
  let path = '';
  await ask(
    (request, response) => {
      path = request.url ?? '';
      json(RECORD)(request, response);
    },
    {},
    '../admin?x=',
  );
  expect(path).toBe('/users/..%2Fadmin%3Fx%3D');
});

test('404 means that the user has none', async () => {
  expect(await ask(json({}, 404))).toEqual({ kind: 'none' });
});

test.each<[string, RequestListener]>([
  ['an error of the service', json(RECORD, 500)],
  ['a refusal of our token', json(RECORD, 401)],
  ['success of another kind', json(RECORD, 202)],
  ['somebody else’s record', json({ ...RECORD, sub: 'usr_2' })],
  ['an unknown status', json({ ...RECORD, status: 'banana' })],
  ['no plan', json({ ...RECORD, plan: undefined })],
  ['no date', json({ ...RECORD, renewsAt: 'soon' })],
  ['a list', json([RECORD])],
  ['null', json(null)],
  ['an empty answer', (_request, response) => response.end()],
  ['no JSON', (_request, response) => response.end('<html>')],
  [
    'half an answer',
    (_request, response) =>
      response.writeHead(200, { 'content-length': '900' }).end('{"sub":', () => response.destroy()),
  ],
  [
    'an answer too large',
    (_request, response) => response.end(JSON.stringify({ ...RECORD, padding: 'x'.repeat(20_000) })),
  ],
  [
    'a redirect',
    (request, response) =>
      request.url === '/users/usr_1'
        ? response.writeHead(302, { location: '/elsewhere' }).end()
        : json(RECORD)(request, response),
  ],
  ['a closed connection', (request) => request.socket.destroy()],
])('%s means that nothing is known', async (_title, listener) => {
  expect(await ask(listener)).toMatchObject({ kind: 'unavailable' });
});

test('no service at all means that nothing is known', async () => {
  const url = await serve(json(RECORD));
  await Promise.all(closers.splice(0).map((close) => close()));
  const service = createSubscriptionsClient({ url });
  expect(await service.of('usr_1', async () => 'own-token')).toMatchObject({ kind: 'unavailable' });
});

test('gives up on a service that does not answer in time', async () => {
  expect(await ask(() => undefined, { timeoutMs: 50 })).toMatchObject({
    kind: 'unavailable',
    detail: 'TimeoutError',
  });
});

test('gives up on a service that never finishes its answer', async () => {
  const answer = await ask((_request, response) => response.writeHead(200).write('{'), { timeoutMs: 50 });
  expect(answer).toMatchObject({ kind: 'unavailable' });
});

test('never has more than the allowed number of questions in flight, and turns the overflow away at once', async () => {
  let inFlight = 0;
  let most = 0;
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const arrived = Promise.withResolvers<void>();
  const url = await serve((request, response) => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    if (inFlight === 2) arrived.resolve();
    void released.then(() => {
      inFlight -= 1;
      json(RECORD)(request, response);
    });
  });
  const service = createSubscriptionsClient({ url, maximumConcurrent: 2, maximumWaiting: 1 });
  const answers = Array.from({ length: 4 }, () => service.of('usr_1', async () => 'own-token'));
  expect(await answers[3]).toEqual({ kind: 'unavailable', detail: 'too many questions at once' });
  await arrived.promise;
  release();
  expect((await Promise.all(answers)).map(({ kind }) => kind)).toEqual([
    'found',
    'found',
    'found',
    'unavailable',
  ]);
  expect(most).toBe(2);
});

test('a token that cannot be issued is our own failure', async () => {
  const service = createSubscriptionsClient({ url: 'http://127.0.0.1:9' });
  await expect(service.of('usr_1', () => Promise.reject(new Error('no key')))).rejects.toThrow('no key');
});
