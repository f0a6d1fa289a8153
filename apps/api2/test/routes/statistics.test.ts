import { describe, expect, it } from 'vitest';
import { alice, NOW, PROBLEM, tokenOf, useTestApi2 } from '../support/api2.ts';

const api = useTestApi2();

const NO_LOGIN = { sid: undefined, auth_time: undefined, amr: undefined };

/** API1 acts for a client that called it in its own name. */
const ofAMachine = (changes: Record<string, unknown> = {}) =>
  tokenOf('machine.client', { scope: 'api2.statistics', ...NO_LOGIN, ...changes });

describe('GET /statistics', () => {
  it('counts accounts and the payments of the day, and says nothing about anybody', async () => {
    const before = await api.get('/statistics', ofAMachine());
    expect([before.status, before.body]).toEqual([200, { accounts: 7, payments_today: 0 }]);
    expect((await api.pay()).status).toBe(201);
    expect((await api.get('/statistics', ofAMachine())).body).toEqual({ accounts: 7, payments_today: 1 });
  });

  it('begins the day at midnight UTC', async () => {
    const midnight = NOW - (NOW % 86_400);
    for (const [id, booked_at, expected] of [
      ['pay_demo_01', midnight - 1, 0],
      ['pay_demo_02', midnight, 1],
    ] as const) {
      await api.database.db.updateTable('payments').set({ booked_at }).where('id', '=', id).execute();
      const { body } = await api.get('/statistics', ofAMachine());
      expect(body).toMatchObject({ payments_today: expected });
    }
  });

  it.each([
    [
      "a client's own token, without an actor",
      { act: undefined, client_id: 'machine.client' },
      'wrong-actor',
    ],
    ['another actor', { act: { sub: 'agent.client' } }, 'wrong-actor'],
    ["a user's token with the scope", { sub: alice, sid: 'session-1', auth_time: NOW }, 'wrong-subject'],
    ['a token with the scope of users', { scope: 'api2' }, 'insufficient-scope'],
  ])('refuses %s', async (_what, changes, type) => {
    const response = await api.get('/statistics', ofAMachine(changes));
    expect([response.status, JSON.parse(response.text)]).toEqual([
      403,
      expect.objectContaining({ type: PROBLEM + type }),
    ]);
  });

  it.each(['/accounts', '/payments', '/insights', '/chain'])(
    'is all that such a token opens: %s is 403',
    async (path) => {
      expect((await api.get(path, ofAMachine())).status).toBe(403);
    },
  );
});
