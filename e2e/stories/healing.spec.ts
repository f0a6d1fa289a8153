import type { System } from '@behalf/scripts/system';
import { SERVICES } from '@behalf/service/services';
import { expect, test } from '@playwright/test';
import { startTestSystem } from '../support/system.ts';
import { userToken } from '../support/tokens.ts';

/** These tests stop services, so each has a system of its own. */
test.describe('services that come and go', () => {
  for (const order of [
    ['api1', 'api2', 'subscriptions', 'sts'],
    ['subscriptions', 'api2', 'api1', 'sts'],
    ['sts', 'api1', 'subscriptions', 'api2'],
  ] as const) {
    test(`started one after the other, ${order.join(', ')} work together`, async () => {
      const system = await startTestSystem({ services: [] });
      try {
        for (const name of order) await system.start(name);
        const { accessToken } = await userToken(system);
        await expectAccounts(system, accessToken);
      } finally {
        await system.close();
      }
    });
  }

  test('after a restart of any one of them the others go on without a restart', async () => {
    const system = await startTestSystem({ services: ['sts', 'api1', 'api2', 'subscriptions'] });
    try {
      const { accessToken } = await userToken(system);
      for (const name of ['sts', 'api2', 'api1', 'subscriptions'] as const) {
        await system.stop(name);
        await system.start(name);
        await expectAccounts(system, accessToken);
      }
    } finally {
      await system.close();
    }
  });

  test('after a crash of any one of them nothing that was acknowledged is lost', async () => {
    const system = await startTestSystem({ services: ['sts', 'api1', 'api2'] });
    try {
      const { accessToken } = await userToken(system);
      const before = await everydayBalance(system, accessToken);
      const booked = await pay(system, accessToken, 'key-1');
      expect(booked.status).toBe(201);
      for (const name of ['sts', 'api2', 'api1'] as const) {
        await system.kill(name);
        await system.start(name);
      }
      await expectAccounts(system, accessToken);
      const again = await pay(system, accessToken, 'key-1');
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(await everydayBalance(system, accessToken)).toBe(before - 1250);
    } finally {
      await system.close();
    }
  });

  for (const missing of ['sts', 'api2'] as const) {
    test(`while ${missing} is away API1 answers 503 with Retry-After, and 200 once it is back`, async () => {
      const system = await startTestSystem({ services: ['sts', 'api1', 'api2'] });
      try {
        const { accessToken } = await userToken(system);
        await system.stop(missing);
        const response = await accounts(system, accessToken);
        expect(response.status).toBe(503);
        expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
        await system.start(missing);
        await expectAccounts(system, accessToken);
      } finally {
        await system.close();
      }
    });
  }

  test('stopping leaves no process', async () => {
    const system = await startTestSystem();
    const pids = SERVICES.map(({ name }) => system.pid(name)).filter((pid) => pid !== undefined);
    expect(pids).toHaveLength(SERVICES.length);
    await system.close();
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
  });
});

function accounts(system: System, accessToken: string): Promise<Response> {
  return fetch(`${system.url.api1}/accounts`, { headers: { authorization: `Bearer ${accessToken}` } });
}

/** At once or shortly after: a dependency may be asked again only after a moment. */
async function expectAccounts(system: System, accessToken: string): Promise<void> {
  await expect.poll(async () => (await accounts(system, accessToken)).status).toBe(200);
}

async function everydayBalance(system: System, accessToken: string): Promise<number> {
  const response = await accounts(system, accessToken);
  const { accounts: all } = (await response.json()) as { accounts: { id: string; balance: string }[] };
  const account = all.find(({ id }) => id === 'acc_a1_everyday');
  return Number(account?.balance.replace('.', ''));
}

function pay(system: System, accessToken: string, key: string): Promise<Response> {
  return fetch(`${system.url.api1}/payments`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: JSON.stringify({
      from: 'acc_a1_everyday',
      to: 'acc_b1_everyday',
      amount: '12.50',
      currency: 'EUR',
      reference: 'Two coffees',
    }),
  });
}
