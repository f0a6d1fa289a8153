import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestIssuer } from '@behalf/auth/testing';
import { ENGINES, newTestServerDatabase } from '@behalf/database/testing';
import { startProcess } from '@behalf/service/testing';
import { expect, test } from 'vitest';
import { DEMONSTRATION_USERS } from '../src/storage/database.ts';

const KILLS = 3;

const PAYMENTS_PER_KILL = 12;

const RESOURCE = 'http://localhost:4002';

const ORDER = {
  from: 'acc_a1_everyday',
  to: 'acc_b1_everyday',
  amount: '1.00',
  currency: 'EUR',
  reference: 'Coffee',
};

const issuer = createTestIssuer({ issuer: 'https://sts.example', audience: RESOURCE });

/** API1 acts for alice. */
const authorization = () => {
  const claims = { sub: DEMONSTRATION_USERS.alice, client_id: 'api1.client', scope: 'api2' };
  return `Bearer ${issuer.mint({ ...claims, act: { sub: 'api1.client' } })}`;
};

interface Paid {
  readonly id: string;
  readonly replayed: boolean;
}

/** Undefined when the service was gone before it answered. */
async function pay(at: string, key: string): Promise<Paid | undefined> {
  const response = await fetch(`${at}/payments`, {
    method: 'POST',
    headers: {
      authorization: authorization(),
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: JSON.stringify(ORDER),
  }).catch(() => undefined);
  const text = await response?.text().catch(() => undefined);
  if (response === undefined || text === undefined) return undefined;
  expect([response.status, text]).toEqual([201, text]);
  const { id } = JSON.parse(text) as { id: string };
  return { id, replayed: response.headers.get('idempotency-replayed') === 'true' };
}

async function balanceAt(at: string): Promise<number> {
  const response = await fetch(`${at}/accounts`, { headers: { authorization: authorization() } });
  const { accounts } = (await response.json()) as { accounts: { id: string; balance: string }[] };
  return Number(accounts.find(({ id }) => id === ORDER.from)?.balance);
}

test.concurrent.each(ENGINES)(
  'a payment that is repeated after a crash is booked once, and its key is never stuck (%s)',
  async (engine) => {
    const folder = await mkdtemp(join(tmpdir(), 'behalf-api2-'));
    const database = engine === 'sqlite' ? undefined : await newTestServerDatabase();
    const sts = await issuer.listen();
    const environment = {
      API2_PORT: '0',
      ISSUER: issuer.issuer,
      STS_URL: sts.address,
      API2_RESOURCE: RESOURCE,
      DATA_DIR: folder,
      ...(database === undefined ? {} : { DATABASE_URL: database.url }),
    };
    const start = () =>
      startProcess({ main: join(import.meta.dirname, '..', 'src', 'main.ts'), environment });

    let api = await start();
    const balance = await balanceAt(api.url);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const keys = Array.from({ length: PAYMENTS_PER_KILL }, (_, index) => `crash-${kill}-${index}`);
      const { url } = api;
      const paying = keys.map((key) => pay(url, key));
      await Promise.any(paying);
      await api.kill();
      const first = await Promise.all(paying);
      expect(first.some((paid) => paid !== undefined)).toBe(true);

      api = await start();
      for (const [index, key] of keys.entries()) {
        const again = await pay(api.url, key);
        const acknowledged = first[index];
        expect(again).toEqual(acknowledged === undefined ? again : { id: acknowledged.id, replayed: true });
        expect(await pay(api.url, key)).toEqual({ id: again?.id, replayed: true });
      }
    }
    expect(await balanceAt(api.url)).toBeCloseTo(balance - KILLS * PAYMENTS_PER_KILL, 2);

    await api.stop();
    await sts.close();
    await database?.remove();
    rmSync(folder, { recursive: true, force: true });
  },
  180_000,
);
