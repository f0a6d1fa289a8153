import { describeEachEngine } from '@behalf/database/testing';
import { CompiledQuery } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBatchWriter } from '../../src/state/batch-writer.ts';
import { createTokenLedger, DEFAULT_RETENTION } from '../../src/state/ledger.ts';
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
    storage.clock.now += DEFAULT_RETENTION.refusedSeconds + 1;
    await storage.sweep();
    expect((await rows()).map((row) => row.id)).toEqual(['root']);
    storage.clock.now += DEFAULT_RETENTION.issuedSeconds;
    await storage.sweep();
    expect(await rows()).toEqual([]);
  });
});

describe('createBatchWriter', () => {
  it('writes together what comes while a batch is being written', async () => {
    const batches: number[] = [];
    const writer = createBatchWriter<number>(async (batch) => {
      batches.push(batch.length);
      await new Promise(setImmediate);
    }, 100);
    await Promise.all(Array.from({ length: 50 }, (_, index) => writer.write(index)));
    expect(batches).toEqual([50]);
  });

  it('keeps to the greatest size of a batch and loses nothing', async () => {
    const written: number[] = [];
    const writer = createBatchWriter<number>((batch) => Promise.resolve(void written.push(...batch)), 7);
    await Promise.all(Array.from({ length: 50 }, (_, index) => writer.write(index)));
    expect(written).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });
});
