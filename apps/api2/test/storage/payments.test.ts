import { describeEachEngine, openTestDatabase, type TestDatabase } from '@behalf/database/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  accountsOf,
  addDemoData,
  type Api2Tables,
  DEMONSTRATION_USERS,
  migrations,
} from '../../src/storage/database.ts';
import {
  bookPayment,
  findPayment,
  pageOfPayments,
  type PaymentRequest,
  paymentsSince,
} from '../../src/storage/payments.ts';

const NOW = 1_800_000_000;

describeEachEngine('payments', (engine) => {
  let database: TestDatabase<Api2Tables>;

  beforeEach(async () => {
    database = await openTestDatabase<Api2Tables>(engine, { migrations });
    await database.db
      .insertInto('accounts')
      .values([
        { id: 'acc_a', owner: 'alice', name: 'A', currency: 'EUR', balance: 10_000n },
        { id: 'acc_a2', owner: 'alice', name: 'A2', currency: 'USD', balance: 10_000n },
        { id: 'acc_b', owner: 'bob', name: 'B', currency: 'EUR', balance: 10_000n },
      ])
      .execute();
  });
  afterEach(() => database.close());

  let keys = 0;
  const request = (
    order: Partial<PaymentRequest['order']> = {},
    rest: Partial<PaymentRequest> = {},
  ): PaymentRequest => ({
    payer: 'alice',
    idempotencyKey: `key-${keys++}`,
    order: { from: 'acc_a', to: 'acc_b', amount: 300n, currency: 'EUR', reference: 'x', ...order },
    now: NOW,
    ...rest,
  });
  const balances = async () =>
    Object.fromEntries(
      (await database.db.selectFrom('accounts').select(['id', 'balance']).execute()).map((row) => [
        row.id,
        row.balance,
      ]),
    );

  it('moves the amount from one account to the other, once', async () => {
    const outcome = await bookPayment(database.db, request());
    expect(outcome).toMatchObject({
      kind: 'booked',
      replayed: false,
      payment: { amount: 300n, bookedAt: NOW },
    });
    expect(await balances()).toEqual({ acc_a: 9_700, acc_a2: 10_000, acc_b: 10_300 });
  });

  it('never overdraws, however many payments of two replicas run at once', async () => {
    const replica = await database.reopen();
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, index) => bookPayment(index % 2 ? database.db : replica.db, request())),
    );
    expect(outcomes.filter(({ kind }) => kind === 'booked')).toHaveLength(33);
    expect(
      outcomes.filter((outcome) => outcome.kind === 'refused' && outcome.fault === 'insufficient-funds'),
    ).toHaveLength(67);
    expect(await balances()).toMatchObject({ acc_a: 100, acc_b: 19_900 });
  });

  it('keeps the sum of all balances when users pay each other at once, and never waits for ever', async () => {
    const replica = await database.reopen();
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        index % 2
          ? bookPayment(database.db, request())
          : bookPayment(replica.db, request({ from: 'acc_b', to: 'acc_a' }, { payer: 'bob' })),
      ),
    );
    expect(await balances()).toMatchObject({ acc_a: 10_000, acc_b: 10_000 });
  });

  it('books one of many parallel requests with the same key, and gives all of them its answer', async () => {
    const replica = await database.reopen();
    const same = request();
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, index) => bookPayment(index % 2 ? database.db : replica.db, same)),
    );
    expect(outcomes.filter((outcome) => outcome.kind === 'booked' && !outcome.replayed)).toHaveLength(1);
    expect(
      new Set(outcomes.map((outcome) => (outcome.kind === 'booked' ? outcome.payment.id : ''))).size,
    ).toBe(1);
    expect(await balances()).toMatchObject({ acc_a: 9_700, acc_b: 10_300 });
  });

  it('keeps a refusal under its key, also after the balance would allow it', async () => {
    const tooMuch = request({ amount: 10_001n });
    expect(await bookPayment(database.db, tooMuch)).toEqual({
      kind: 'refused',
      fault: 'insufficient-funds',
      replayed: false,
    });
    await bookPayment(database.db, request({ from: 'acc_b', to: 'acc_a', amount: 5_000n }, { payer: 'bob' }));
    expect(await bookPayment(database.db, tooMuch)).toEqual({
      kind: 'refused',
      fault: 'insufficient-funds',
      replayed: true,
    });
    expect(await bookPayment(database.db, request({ amount: 10_001n }))).toMatchObject({ kind: 'booked' });
  });

  it('refuses a key that was used for another order, and leaves another user free to use it', async () => {
    const first = request();
    await bookPayment(database.db, first);
    const other = { ...first, order: { ...first.order, amount: 301n } };
    expect(await bookPayment(database.db, other)).toEqual({ kind: 'key-reused' });
    const bobs = request(
      { from: 'acc_b', to: 'acc_a' },
      { payer: 'bob', idempotencyKey: first.idempotencyKey },
    );
    expect(await bookPayment(database.db, bobs)).toMatchObject({ kind: 'booked', replayed: false });
  });

  it('leaves nothing behind, the key neither, when it breaks half-way', async () => {
    await database.db.schema.alterTable('payments').renameTo('payments_away').execute();
    const broken = request();
    await expect(bookPayment(database.db, broken)).rejects.toThrow('payments');
    await database.db.schema.alterTable('payments_away').renameTo('payments').execute();
    expect(await balances()).toMatchObject({ acc_a: 10_000, acc_b: 10_000 });
    expect(await bookPayment(database.db, broken)).toMatchObject({ kind: 'booked', replayed: false });
  });

  it.each([
    ["somebody else's account to pay from", { from: 'acc_b', to: 'acc_a' }, 'unknown-account'],
    ['an account that does not exist', { to: 'acc_none' }, 'unknown-account'],
    ['an account in another currency', { to: 'acc_a2' }, 'currency-mismatch'],
    ['zero', { amount: 0n }, 'amount-not-positive'],
  ] as const)('refuses %s and moves nothing', async (_what, order, fault) => {
    expect(await bookPayment(database.db, request(order))).toMatchObject({ kind: 'refused', fault });
    expect(await balances()).toEqual({ acc_a: 10_000, acc_a2: 10_000, acc_b: 10_000 });
  });

  it('has a database that refuses a negative balance by itself', async () => {
    await expect(
      database.db.updateTable('accounts').set({ balance: -1 }).where('id', '=', 'acc_a').execute(),
    ).rejects.toThrow(/check/i);
  });

  it('pages a user through the own payments, newest first, each exactly once', async () => {
    for (let index = 0; index < 7; index++) {
      await bookPayment(database.db, request({}, { now: NOW + Math.floor(index / 3) }));
    }
    await bookPayment(database.db, request({ from: 'acc_b', to: 'acc_a' }, { payer: 'bob', now: NOW + 1 }));
    const seen: string[] = [];
    for (let cursor: string | undefined, more = true; more;) {
      const page = await pageOfPayments(database.db, 'alice', { limit: 3, cursor });
      seen.push(...(page?.payments ?? []).map(({ id, bookedAt }) => `${bookedAt} ${id}`));
      cursor = page?.next ?? undefined;
      more = cursor !== undefined;
    }
    expect(seen).toHaveLength(7);
    expect(seen).toEqual([...new Set(seen)].toSorted((one, other) => (one < other ? 1 : -1)));
    expect(await paymentsSince(database.db, 'alice', { since: NOW + 1, limit: 10 })).toHaveLength(4);
  });

  it('takes no cursor that it did not give', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async (cursor) => {
        expect(await pageOfPayments(database.db, 'alice', { limit: 3, cursor })).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  it("does not find somebody else's payment", async () => {
    const outcome = await bookPayment(database.db, request());
    const id = outcome.kind === 'booked' ? outcome.payment.id : '';
    expect(await findPayment(database.db, 'alice', id)).toMatchObject({ id });
    expect(await findPayment(database.db, 'bob', id)).toBeUndefined();
    for (const nobodys of ['', 'pay_', `${id}\0`, '\0'])
      expect(await findPayment(database.db, 'alice', nobodys)).toBeUndefined();
  });

  it('gives the development users their accounts once, and leaves later changes alone', async () => {
    const { alice, bob } = DEMONSTRATION_USERS;
    await addDemoData(database.db, NOW);
    await bookPayment(
      database.db,
      request({ from: 'acc_a1_everyday', to: 'acc_b1_everyday', amount: 685n }, { payer: alice }),
    );
    await addDemoData(database.db, NOW + 5);
    const [everyday] = await accountsOf(database.db, alice);
    expect(everyday).toMatchObject({ id: 'acc_a1_everyday', balance: 412_000n });
    expect((await accountsOf(database.db, bob)).map(({ owner }) => owner)).toEqual([bob, bob]);
    expect(await accountsOf(database.db, 'nobody')).toEqual([]);
    expect(
      (await pageOfPayments(database.db, alice, { limit: 20, cursor: undefined }))?.payments,
    ).toHaveLength(9);
  });
});
