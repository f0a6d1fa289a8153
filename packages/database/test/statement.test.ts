import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { createStatement } from '../src/statement.ts';
import { openTestDatabase } from './support/testing.ts';

it.each(['sqlite', 'postgres'] as const)(
  'binds the values of each run to a statement that was compiled once (%s)',
  async (engine) => {
    const database = await openTestDatabase(engine, { migrations: [] });
    const run = createStatement<{ later: string; earlier: string }, unknown>(
      database.db,
      (parameter) =>
        sql`select cast(${parameter(1)} as text) as later, cast(${parameter(0)} as text) as earlier`,
    );
    expect(await run('a', 'b')).toEqual([{ later: 'b', earlier: 'a' }]);
    expect(await run('c', 'd')).toEqual([{ later: 'd', earlier: 'c' }]);
    await database.close();
  },
);

it('has PostgreSQL plan a compiled statement once for each connection', async () => {
  const database = await openTestDatabase('postgres', { migrations: [], maximumConnections: 1 });
  const run = createStatement<{ doubled: string }, unknown>(
    database.db,
    (parameter) => sql`select cast(${parameter(0)} as integer) * 2 as doubled`,
  );
  for (let time = 1; time <= 10; time += 1) expect(await run(time)).toEqual([{ doubled: 2 * time }]);
  const { rows } = await sql<{ runs: number }>`
    select generic_plans + custom_plans as runs from pg_prepared_statements where statement like '%* 2 as doubled'
  `.execute(database.db);
  expect(rows).toEqual([{ runs: 10 }]);
  await database.close();
});
