import { OverloadedError } from '@behalf/database';
import { describeEachEngine } from '@behalf/database/testing';
import { CompiledQuery } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBatchWriter } from '../../src/state/batch-writer.ts';
import { lifetimes } from '../../src/lifetimes.ts';
import { createTokenLedger } from '../../src/state/ledger.ts';
import { delegated, issued, refused } from '../support/ledger.ts';
import { openTestStorage, type TestStorage } from '../support/storage.ts';

describeEachEngine('TokenLedger', (engine) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await openTestStorage(engine);
  });
  afterEach(() => storage.close());

  const rows = () => storage.database.db.selectFrom('ledger').selectAll().orderBy('sequence').execute();

  it('has every row when its call resolves, many at a time', async () => {
    await Promise.all(
      Array.from({ length: 500 }, async (_, index) => {
        await storage.ledger.recordIssued(delegated(`jti-${index}`, 'root'));
        const row = await storage.database.db
          .selectFrom('ledger')
          .select('id')
          .where('id', '=', `jti-${index}`)
          .executeTakeFirst();
        expect(row).toBeDefined();
      }),
    );
    expect(await rows()).toHaveLength(500);
  });

  it('fails the one call whose row cannot be stored, not those that came with it', async () => {
    await storage.ledger.recordIssued(issued('taken'));
    const results = await Promise.allSettled(
      ['one', 'taken', 'two'].map((jti) => storage.ledger.recordIssued(issued(jti))),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await rows()).map((row) => row.id).sort()).toEqual(['one', 'taken', 'two']);
  });

  it('takes a batch whose commit succeeded and whose answer was lost as written', async () => {
    const lost = failingAfterCommit(storage.database.db);
    const ledger = createTokenLedger({ db: lost });
    await Promise.all(['one', 'two'].map((jti) => ledger.recordIssued(issued(jti))));
    expect((await rows()).map((row) => row.id).sort()).toEqual(['one', 'two']);
  });

  it('fails the call when the database cannot write, so that no token is handed out', async () => {
    await storage.database.db.executeQuery(CompiledQuery.raw('drop table ledger'));
    await expect(storage.ledger.recordIssued(issued('lost'))).rejects.toThrow(/ledger/);
  });

  it('never fails an answer over a refusal that cannot be recorded', async () => {
    const lost: unknown[] = [];
    const ledger = createTokenLedger({ db: storage.database.db, onRefusalLost: (error) => lost.push(error) });
    await storage.database.db.executeQuery(CompiledQuery.raw('drop table ledger'));
    await ledger.recordRefused(refused());
    expect(lost).toHaveLength(1);
  });

  it('records at most sixty refusals of a client at once, then one a second', async () => {
    for (let index = 0; index < 100; index++) await storage.ledger.recordRefused(refused());
    expect(await rows()).toHaveLength(60);
    await storage.ledger.recordRefused(refused({ clientId: 'api2.client' }));
    expect(await rows()).toHaveLength(61);
    for (let index = 0; index < 10; index++)
      await storage.ledger.recordRefused(refused({ at: storage.clock.now + 3 }));
    expect(await rows()).toHaveLength(64);
  });

  it('forgets refusals and expired tokens after their time, each by its own', async () => {
    await storage.ledger.recordIssued(issued('root'));
    await storage.ledger.recordRefused(refused());
    storage.clock.now += lifetimes.refusedRowSeconds + 1;
    await storage.sweep();
    expect((await rows()).map((row) => row.id)).toEqual(['root']);
    storage.clock.now += lifetimes.issuedRowSeconds;
    await storage.sweep();
    expect(await rows()).toEqual([]);
  });
});

/** A database whose first statement is carried out and then reported as failed, as when the connection breaks. */
function failingAfterCommit(db: TestStorage['database']['db']): TestStorage['database']['db'] {
  let isFirst = true;
  return new Proxy(db, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name !== 'executeQuery') return typeof member === 'function' ? member.bind(target) : member;
      return async (query: CompiledQuery) => {
        const result = await target.executeQuery(query);
        if (!isFirst) return result;
        isFirst = false;
        throw new Error('Connection terminated unexpectedly');
      };
    },
  });
}

const BATCHES = {
  insertAgain: () => Promise.reject(new Error('not expected')),
  maximumRows: 100,
  maximumWaiting: 100,
};

describe('createBatchWriter', () => {
  it('refuses a row when too many wait, as an outage', async () => {
    const writer = createBatchWriter<number>({
      ...BATCHES,
      insert: () => Promise.resolve(),
      maximumWaiting: 2,
    });
    const results = await Promise.allSettled([1, 2, 3].map((row) => writer.write(row)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(results[2]).toMatchObject({ reason: expect.any(OverloadedError) as unknown });
  });

  it('writes together what comes while a batch is being written', async () => {
    const batches: number[] = [];
    const writer = createBatchWriter<number>({
      ...BATCHES,
      insert: async (batch) => {
        batches.push(batch.length);
        await new Promise(setImmediate);
      },
    });
    await Promise.all(Array.from({ length: 50 }, (_, index) => writer.write(index)));
    expect(batches).toEqual([50]);
  });

  it('keeps to the greatest size of a batch and loses nothing', async () => {
    const written: number[] = [];
    const insert = (batch: readonly number[]) => Promise.resolve(void written.push(...batch));
    const writer = createBatchWriter<number>({ ...BATCHES, insert, maximumRows: 7 });
    await Promise.all(Array.from({ length: 50 }, (_, index) => writer.write(index)));
    expect(written).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });
});
