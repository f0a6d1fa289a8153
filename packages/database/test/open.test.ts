import { fork } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Kysely, sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isUnavailable, type Migration } from '../src/database.ts';
import { NewerSchemaError, openDatabase } from '../src/open.ts';
import { describeEachEngine, newTestLocation, type TestLocation } from './support/testing.ts';

interface Schema {
  notes: { id: number; body: string; at: number };
}

const first: Migration = {
  name: '001-notes',
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('notes')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('body', 'text', (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .execute();
  },
};

const second: Migration = {
  name: '002-seed',
  up: async (db) => void (await sql`insert into notes values (1, 'seed', 5000000000)`.execute(db)),
};

const broken: Migration = {
  name: '002-broken',
  up: async (db) => {
    await sql`insert into notes values (9, 'half', 1)`.execute(db);
    throw new Error('broken half-way');
  },
};

describeEachEngine('openDatabase', (engine) => {
  let location: TestLocation;
  beforeEach(() => {
    location = newTestLocation(engine);
  });
  afterEach(() => location.remove());

  const open = (migrations: readonly Migration[]) =>
    openDatabase<Schema>({ ...location.options, migrations });

  it('applies each migration once, in order, and reads bigints as numbers', async () => {
    await (await open([first])).close();
    const database = await open([first, second]);
    expect(await database.db.selectFrom('notes').selectAll().execute()).toEqual([
      { id: 1, body: 'seed', at: 5_000_000_000 },
    ]);
    await database.close();
  });

  it('refuses to start on a schema that a newer version has written', async () => {
    await (await open([first, second])).close();
    await expect(open([first])).rejects.toThrow(NewerSchemaError);
    await expect(open([first])).rejects.toThrow('002-seed');
  });

  it('leaves the schema as it was when a migration fails half-way', async () => {
    await expect(open([first, broken])).rejects.toThrow('broken half-way');
    const database = await open([first]);
    expect(await database.db.selectFrom('notes').selectAll().execute()).toEqual([]);
    await database.close();
  });

  it('lets processes migrate at once, and each migration runs in one of them', async () => {
    const child = new URL('./support/migrator.ts', import.meta.url);
    const exits = await Promise.all(
      [1, 2, 3].map(
        () =>
          new Promise((resolve) => {
            const started = fork(child, [JSON.stringify(location.options)], {
              execArgv: [],
              stdio: 'inherit',
            });
            started.once('exit', resolve);
          }),
      ),
    );
    expect(exits).toEqual([0, 0, 0]);
    const { rows } = await reading(location);
    expect(rows).toEqual([{ n: 1 }]);
  });

  it('keeps transactions of one process and of two handles apart', async () => {
    const [one, two] = [await open([first, second]), await open([first, second])];
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? one : two).exclusively('count', async (transaction) => {
          const { at } = await transaction
            .selectFrom('notes')
            .select('at')
            .where('id', '=', 1)
            .executeTakeFirstOrThrow();
          await transaction
            .updateTable('notes')
            .set({ at: at + 1 })
            .where('id', '=', 1)
            .execute();
        }),
      ),
    );
    expect(await one.db.selectFrom('notes').select('at').execute()).toEqual([{ at: 5_000_000_040 }]);
    await Promise.all([one.close(), two.close()]);
  });

  it('tells an outage from a fault', async () => {
    const database = await open([first, second]);
    const duplicate = await database.db
      .insertInto('notes')
      .values({ id: 1, body: '', at: 0 })
      .execute()
      .catch((error: unknown) => error);
    expect(isUnavailable(duplicate)).toBe(false);
    const syntax = await sql`selec 1`.execute(database.db).catch((error: unknown) => error);
    expect(syntax).toBeInstanceOf(Error);
    expect(isUnavailable(syntax)).toBe(false);
    await database.close();
  });
});

it('keeps an SQLite file and its folder to the account that runs it', async () => {
  const location = newTestLocation('sqlite');
  const file = `${dirname(location.options.file)}/inner/test.db`;
  const database = await openDatabase<Schema>({ ...location.options, file, migrations: [first] });
  for (const path of [file, `${file}-wal`]) expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
  await database.close();
  await location.remove();
});

async function reading(location: TestLocation) {
  const database = await openDatabase<Schema>({
    ...location.options,
    migrations: [first, { ...second, name: '002-counted' }],
  });
  const result = await sql<{ n: number }>`select count(*) as n from notes`.execute(database.db);
  await database.close();
  return result;
}
