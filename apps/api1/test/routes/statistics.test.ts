import { describe, expect, it } from 'vitest';
import { API2, PROBLEM, userToken, useTestApi1 } from '../support/api1.ts';

const api = useTestApi1();

const NO_LOGIN = { sid: undefined, auth_time: undefined, amr: undefined };

const machineToken = () => userToken({ sub: 'machine.client', client_id: 'machine.client', ...NO_LOGIN });

describe('GET /statistics', () => {
  it('calls API2 for the client, with a token in which API1 acts for it', async () => {
    api.answerJson(200, { accounts: 7, payments_today: 3 });
    const response = await api.get('/statistics', machineToken());
    expect([response.status, response.body]).toEqual([200, { accounts: 7, payments_today: 3 }]);
    expect(api.seen[0]).toMatchObject({
      url: '/statistics',
      claims: {
        sub: 'machine.client',
        aud: API2,
        scope: 'api2.statistics',
        grant: 'delegation',
        act: { sub: 'api1.client' },
      },
    });
  });

  it("refuses a user's token, and asks for none", async () => {
    const response = await api.get('/statistics', userToken());
    expect([response.status, JSON.parse(response.text)]).toEqual([
      403,
      expect.objectContaining({ type: `${PROBLEM}wrong-subject` }),
    ]);
    expect([api.seen.length, api.tokenRequests()]).toEqual([0, 0]);
  });
});
