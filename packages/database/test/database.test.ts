import { createServer } from 'node:net';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { type Database, isUnavailable, type OpenDatabaseOptions } from '../src/database.ts';
import { openDatabase } from '../src/open.ts';
import { newTestLocation, openTestDatabase, startTestServer, testServerUrl } from './support/testing.ts';

const notes: OpenDatabaseOptions['migrations'] = [
  {
    name: '001-notes',
    up: async (db) => void (await sql`create table notes (body text not null unique)`.execute(db)),
  },
];

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.unreachable('the statement succeeded'),
    (error: unknown) => error,
  );
}

function write(database: Database<unknown>, body: string) {
  return sql`insert into notes values (${body})`.execute(database.db);
}

describe('isUnavailable (sqlite)', () => {
  it.each([
    ['read-only', 'pragma query_only = 1', 'pragma query_only = 0'],
    ['full', 'pragma max_page_count = 1', 'pragma max_page_count = 100000'],
  ])(
    'recognises a file that is %s, and the file takes writes again afterwards',
    async (_name, breaking, healing) => {
      const database = await openTestDatabase('sqlite', { migrations: notes });
      await sql.raw(breaking).execute(database.db);
      const error = await errorOf(write(database, 'x'.repeat(100_000)));
      expect(isUnavailable(error)).toBe(true);
      await sql.raw(healing).execute(database.db);
      await write(database, 'after');
      expect((await sql`pragma integrity_check`.execute(database.db)).rows).toEqual([
        { integrity_check: 'ok' },
      ]);
      await database.close();
    },
  );

  it('recognises a file that another process keeps locked, and does not stop the event loop meanwhile', async () => {
    const database = await openTestDatabase('sqlite', { migrations: notes, waitTimeoutMs: 20 });
    const other = await database.reopen();
    const error = await other.db.transaction().execute(() => errorOf(write(database, 'waits')));
    expect(isUnavailable(error)).toBe(true);
    await write(database, 'after');
    await database.close();
  });
});

describe('isUnavailable (postgres)', () => {
  it('recognises a server that is not there', async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const { port } = probe.address() as { port: number };
    await new Promise((resolve) => probe.close(resolve));
    const url = `postgres://nobody@127.0.0.1:${port}/none`;
    expect(
      isUnavailable(await errorOf(openDatabase({ url, file: '', schema: 'notes', migrations: notes }))),
    ).toBe(true);
  });

  it('recognises a server that stops under load, without ending the process', async () => {
    const server = await startTestServer();
    const broken: Error[] = [];
    const database = await openDatabase({
      url: server.url,
      file: '',
      schema: 'notes',
      migrations: notes,
      onConnectionError: (error) => broken.push(error),
    });
    const load = Array.from({ length: 50 }, () =>
      sql`select pg_sleep(4)`.execute(database.db).catch((error: unknown) => error),
    );
    await expect.poll(async () => (await activeStatements(server.url)) >= 10).toBe(true);
    await server.stop();
    expect((await Promise.all(load)).map(isUnavailable)).not.toContain(false);
    expect(broken.length).toBeGreaterThan(0);
    expect(isUnavailable(await errorOf(database.ping()))).toBe(true);
    await database.close();
  });

  it('recovers by itself when its connections were cut', async () => {
    const database = await openTestDatabase('postgres', { migrations: notes });
    const cutter = await openDatabase({ url: testServerUrl(), file: '', ...schemaOf(), migrations: [] });
    const busy = sql`select pg_sleep(4), 'to be cut'`.execute(database.db).catch((error: unknown) => error);
    await expect
      .poll(async () => {
        const cut =
          await sql`select pg_terminate_backend(pid) from pg_stat_activity where query like '%to be cut%' and pid <> pg_backend_pid()`.execute(
            cutter.db,
          );
        return cut.rows.length;
      })
      .toBeGreaterThan(0);
    expect(isUnavailable(await busy)).toBe(true);
    // The pool may hand the cut connection out once more before it notices.
    await expect
      .poll(() =>
        write(database, 'after').then(
          () => 'written',
          (error: unknown) => isUnavailable(error) || error,
        ),
      )
      .toBe('written');
    await cutter.close();
    await database.close();
  });

  it('recognises a pool that has no connection to give, and a statement that takes too long', async () => {
    const database = await openTestDatabase('postgres', {
      migrations: notes,
      maximumConnections: 1,
      // Long enough to open the one connection on a busy machine; the wait ends well before the statement does.
      waitTimeoutMs: 1_500,
      statementTimeoutMs: 4_000,
    });
    const slow = errorOf(sql`select pg_sleep(8)`.execute(database.db));
    expect(isUnavailable(await errorOf(write(database, 'waits')))).toBe(true);
    expect(isUnavailable(await slow)).toBe(true);
    await write(database, 'after');
    await database.close();
  });
});

describe('isUnavailable', () => {
  it.each([
    ['no error at all', undefined, false],
    ['a bug', new TypeError('x is not a function'), false],
    [
      'an outage behind another error',
      new Error('the ledger failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) }),
      true,
    ],
    ['a duplicate (23505)', Object.assign(new Error(), { code: '23505' }), false],
    ['a deadlock (40P01)', Object.assign(new Error(), { code: '40P01' }), true],
    ['too many connections (53300)', Object.assign(new Error(), { code: '53300' }), true],
    [
      'SQLite: an extended code of busy',
      Object.assign(new Error(), { code: 'ERR_SQLITE_ERROR', errcode: 517 }),
      true,
    ],
    ['SQLite: a constraint', Object.assign(new Error(), { code: 'ERR_SQLITE_ERROR', errcode: 1555 }), false],
  ])('judges %s', (_name, error, verdict) => {
    expect(isUnavailable(error)).toBe(verdict);
  });
});

function schemaOf() {
  return { schema: newTestLocation('postgres').options.schema };
}

async function activeStatements(url: string): Promise<number> {
  const watcher = await openDatabase({ url, file: '', schema: 'watching', migrations: [] });
  const { rows } = await sql<{
    n: number;
  }>`select count(*) as n from pg_stat_activity where query like 'select pg_sleep%'`.execute(watcher.db);
  await watcher.close();
  return rows[0]?.n ?? 0;
}
