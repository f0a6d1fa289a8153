import { describe, expect, it } from 'vitest';
import { premium, PROBLEM, useTestApi2 } from '../support/api2.ts';

const api = useTestApi2();

describe('GET /insights', () => {
  it("reports on the user's own payments of the last 90 days", async () => {
    const response = await api.get('/insights', premium());
    expect(response.body).toMatchObject({
      subscription: { status: 'active' },
      totals: [{ currency: 'EUR', payments: 5, spent: '249.80', movedBetweenOwnAccounts: '1200.00' }],
    });
  });

  it.each([
    ['without a subscription', { subscription: undefined }],
    ['with a lapsed one', { subscription: { plan: 'premium', status: 'lapsed' } }],
    ['with one that is only text', { subscription: 'active' }],
  ])('refuses a token %s', async (_what, changes) => {
    const response = await api.get('/insights', premium(changes));
    expect([response.status, JSON.parse(response.text)]).toEqual([
      403,
      expect.objectContaining({ type: `${PROBLEM}claim-required` }),
    ]);
  });
});
