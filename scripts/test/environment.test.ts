import { openDatabase } from '@behalf/database';
import { newTestServerDatabase, type TestServerDatabase } from '@behalf/database/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { environmentFaults } from '../dev/environment.ts';
import { freePorts } from '../system/addresses.ts';

describe('DATABASE_URL', () => {
  let database: TestServerDatabase;
  beforeEach(async () => {
    database = await newTestServerDatabase();
  });
  afterEach(() => database.remove());

  it('of another project is named with its tables before anything is written, and may be used by a name of ours', async () => {
    await create(database.url, 'public', 'orders');
    const [fault = '', ...more] = await environmentFaults({ DATABASE_URL: database.url });
    expect(more).toEqual([]);
    expect(fault).toContain(
      'the database of another project, which holds public.orders, public.schema_migrations',
    );
    expect(fault).toContain('STS_DATABASE_URL');
    expect(fault).not.toContain(database.url);
    expect(await environmentFaults({ STS_DATABASE_URL: database.url })).toEqual([]);
  });

  it('may be empty, or have what our services keep there', async () => {
    expect(await environmentFaults({ DATABASE_URL: database.url })).toEqual([]);
    for (const schema of ['sts', 'api2']) await create(database.url, schema, 'records');
    expect(await environmentFaults({ DATABASE_URL: database.url })).toEqual([]);
  });

  it('without an answer is named', async () => {
    const [port = 0] = await freePorts(1);
    const url = `postgres://me:a-password@127.0.0.1:${port}/theirs`;
    const [fault = ''] = await environmentFaults({ DATABASE_URL: url });
    expect(fault).toContain('DATABASE_URL leads to a PostgreSQL that does not let us in (ECONNREFUSED)');
    expect(fault).not.toContain('a-password');
  });
});

it.each([
  [{ DATABASE_URL: 'mysql://localhost/theirs' }, 'DATABASE_URL: is not a postgres:// URL'],
  [{ LOG_LEVEL: 'verbose' }, 'LOG_LEVEL: is not a log level'],
  [{ ISSUER: 'https://login.example' }, 'NODE_ENV is missing'],
  [{ NODE_USE_ENV_PROXY: '1' }, 'NO_PROXY lacks localhost'],
])('the environment %o is refused in one sentence', async (environment, sentence) => {
  const faults = await environmentFaults(environment);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain(sentence);
});

async function create(url: string, schema: string, table: string): Promise<void> {
  const opened = await openDatabase({
    url,
    file: '',
    schema,
    migrations: [{ name: '001', up: (db) => db.schema.createTable(table).addColumn('id', 'text').execute() }],
  });
  await opened.close();
}
