import { createAccessTokenVerifier } from '@behalf/auth';
import { createTestIssuer, type TestIssuerServer } from '@behalf/auth/testing';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createApi } from '../src/api.ts';
import { openChannel, type SharedChannel } from '../src/channel.ts';
import { epochSeconds } from '../src/start-service.ts';
import { captureLog } from './support/testing.ts';
import { type RedisServer, startRedis } from './support/redis.ts';

const RESOURCE = 'http://localhost:4001';

const issuer = createTestIssuer({ issuer: 'https://sts.example', audience: RESOURCE });

let sts: TestIssuerServer;
let redis: RedisServer;
const open: SharedChannel[] = [];

beforeAll(async () => {
  sts = await issuer.listen();
  redis = await startRedis();
});

afterEach(async () => {
  for (const channel of open.splice(0)) await channel.close();
});

afterAll(async () => {
  await redis.close();
  await sts.close();
});

/** A replica of a service, with the sessions that its memory was told to forget. */
async function startReplica({
  service = 'api1',
  url = redis.url,
}: {
  service?: string;
  url?: string | null;
}) {
  const { logger } = captureLog(service);
  const channel = await openChannel(url ?? undefined, { service, logger });
  if (channel !== undefined) open.push(channel);
  const forgotten: string[] = [];
  const api = createApi(
    {
      name: service,
      logger,
      verifier: createAccessTokenVerifier({
        issuer: issuer.issuer,
        address: sts.address,
        audience: RESOURCE,
      }),
      scopes: [],
      logout: {
        clientId: 'api1.client',
        memories: [
          {
            forgetSession: (session) => void forgotten.push(session),
            forgetSubject: (sub) => void forgotten.push(sub),
          },
        ],
        now: epochSeconds,
        channel,
      },
    },
    () => undefined,
  );
  const receive = async (token: string) =>
    (await request(api).post('/backchannel-logout').type('form').send({ logout_token: token })).status;
  return { channel, forgotten, receive };
}

const logoutToken = (sid: string) => issuer.mintLogoutToken('api1.client', { sid });

/** Resolves once every replica listens: a notice of its own reaches it. */
async function listening(...replicas: readonly Awaited<ReturnType<typeof startReplica>>[]): Promise<void> {
  for (const { channel, forgotten } of replicas) {
    await expect
      .poll(async () => {
        await channel?.publish({ sid: 'a probe', sub: undefined }).catch(() => undefined);
        return forgotten.length;
      })
      .toBeGreaterThan(0);
  }
}

test('a logout that one replica receives reaches all replicas of the service, and no other service', async () => {
  const [one, two] = [await startReplica({}), await startReplica({})];
  const other = await startReplica({ service: 'api2' });
  await listening(one, two, other);
  expect(await one.receive(logoutToken('ended'))).toBe(200);
  expect(one.forgotten).toContain('ended');
  await expect.poll(() => two.forgotten).toContain('ended');
  expect(await other.receive(logoutToken('of api2'))).toBe(200);
  expect(other.forgotten).not.toContain('ended');
  expect(two.forgotten).not.toContain('of api2');
});

test('a logout token counts once for all replicas', async () => {
  const [one, two] = [await startReplica({}), await startReplica({})];
  await listening(one, two);
  const token = logoutToken('once');
  expect([await one.receive(token), await two.receive(token), await one.receive(token)]).toEqual([
    200, 400, 400,
  ]);
});

test('of parallel uses of one value on two replicas one counts, and after its end it may be used again', async () => {
  const [one, two] = [await startReplica({}), await startReplica({})];
  await listening(one, two);
  const uses = await Promise.all(
    [one, two, one, two].map(async ({ channel }) => channel?.replays.consume('a proof', epochSeconds() + 60)),
  );
  expect(uses.filter(Boolean)).toHaveLength(1);
  const past = () => one.channel?.replays.consume('an old proof', epochSeconds() - 1);
  expect([await past(), await past()]).toEqual([true, true]);
});

test('while the server is away a logout is a 503 that may be sent again, and is taken when it is back', async () => {
  const own = await startRedis();
  const replica = await startReplica({ url: own.url });
  await listening(replica);
  await own.close();
  const token = logoutToken('late');
  await expect.poll(() => replica.receive(token)).toBe(503);
  const back = await startRedis(own.port);
  try {
    await expect.poll(() => replica.receive(token)).toBe(200);
  } finally {
    await back.close();
  }
});

test('a service starts while the server is away', async () => {
  const replica = await startReplica({ url: 'redis://127.0.0.1:9' });
  expect(await replica.receive(logoutToken('x'))).toBe(503);
});

test('without an address nothing is shared, and each replica takes a token once', async () => {
  const [one, two] = [await startReplica({ url: null }), await startReplica({ url: null })];
  expect(one.channel).toBeUndefined();
  const token = logoutToken('alone');
  expect([await one.receive(token), await one.receive(token), await two.receive(token)]).toEqual([
    200, 400, 200,
  ]);
});
