import type { Kysely } from 'kysely';
import { expect, it } from 'vitest';
import { prepare } from '../src/index.ts';
import { describeEachEngine, openTestDatabase } from './support/testing.ts';

interface Tables {
  readonly things: { readonly id: string; readonly owner: string; readonly size: number };
}

const migrations = [
  {
    name: '001-things',
    up: (db: Kysely<unknown>) =>
      db.schema
        .createTable('things')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('owner', 'text')
        .addColumn('size', 'bigint')
        .execute(),
  },
];

describeEachEngine('a prepared query', (engine) => {
  it('is built once and gives the rows for the values of each run', async () => {
    const database = await openTestDatabase<Tables>(engine, { migrations });
    const { db } = database;
    let built = 0;
    const insert = prepare(db, (given: Tables['things']) => {
      built += 1;
      return db.insertInto('things').values({ id: given.id, owner: given.owner, size: given.size });
    });
    const find = prepare(db, (given: { owner: string; limit: number }) =>
      db
        .selectFrom('things')
        .select('id')
        .where('owner', '=', given.owner)
        .where('size', '>', 1)
        .orderBy('id')
        .limit(given.limit),
    );
    for (const [id, owner, size] of [
      ['a', 'alice', 2],
      ['b', 'bob', 2],
      ['c', 'alice', 1],
      ['d', 'alice', 3],
    ] as const)
      await insert({ id, owner, size });
    expect(built).toBe(1);
    expect(await find({ owner: 'alice', limit: 9 })).toEqual([{ id: 'a' }, { id: 'd' }]);
    expect(await find({ owner: 'bob', limit: 9 })).toEqual([{ id: 'b' }]);
    expect(await find({ owner: 'alice', limit: 1 })).toEqual([{ id: 'a' }]);
    await database.close();
  });

  it('runs in a transaction when one is given', async () => {
    const database = await openTestDatabase<Tables>(engine, { migrations });
    const { db } = database;
    const insert = prepare(db, (given: { id: string }) =>
      db.insertInto('things').values({ id: given.id, owner: 'x', size: 1 }),
    );
    const failed = db.transaction().execute(async (transaction) => {
      await insert({ id: 'a' }, transaction);
      throw new Error('rolled back');
    });
    await expect(failed).rejects.toThrow('rolled back');
    expect(await db.selectFrom('things').selectAll().execute()).toEqual([]);
    await database.close();
  });
});
