import { describe, expect, it } from 'vitest';
import { alice, bob, tokenOf, useTestApi2 } from '../support/api2.ts';

const api = useTestApi2();

describe('accounts', () => {
  it("are the user's own, with balances as decimal strings", async () => {
    const response = await api.get('/accounts', tokenOf(alice));
    expect(response.body).toEqual({
      accounts: [
        { id: 'acc_a1_everyday', name: 'Everyday account', currency: 'EUR', balance: '4126.85' },
        { id: 'acc_a2_savings', name: 'Savings', currency: 'EUR', balance: '18500.00' },
        { id: 'acc_a3_travel', name: 'Travel money', currency: 'JPY', balance: '184200' },
      ],
    });
    expect((await api.get('/accounts', tokenOf(bob))).text).not.toContain('acc_a');
  });

  it('are none for a user who has none', async () => {
    expect((await api.get('/accounts', tokenOf('usr_new'))).body).toEqual({ accounts: [] });
  });
});
