import type { Database, Engine } from '@behalf/database';
import { openTestDatabase, type TestDatabase } from '@behalf/database/testing';
import { migrations } from '../../src/state/migrations.ts';
import type { StsSchema } from '../../src/state/schema.ts';
import { createStorage, type Storage } from '../../src/state/state.ts';

/** A storage of its own for one test, with a clock that the test sets. */
export interface TestStorage extends Storage {
  readonly database: TestDatabase<StsSchema>;
  readonly clock: { now: number };
  /** The same storage as a second replica has it: other connections, other caches. */
  replica(): Promise<Storage & { readonly database: Database<StsSchema> }>;
  close(): Promise<void>;
}

export const TEST_START = 1_800_000_000;

/** Which client acts for which API, as tests have it. */
const API_CLIENTS: Readonly<Record<string, readonly string[]>> = {
  'http://localhost:4001': ['api1.client'],
  'http://localhost:4002': ['api2.client'],
};

export async function openTestStorage(engine: Engine): Promise<TestStorage> {
  const database = await openTestDatabase<StsSchema>(engine, { migrations, waitTimeoutMs: 20_000 });
  const clock = { now: TEST_START };
  const storageOver = (over: Database<StsSchema>) =>
    createStorage({
      database: over,
      now: () => clock.now,
      clientsOfAudience: (audience) => API_CLIENTS[audience] ?? [],
    });
  return {
    ...storageOver(database),
    database,
    clock,
    async replica() {
      const other = await database.reopen();
      return { ...storageOver(other), database: other };
    },
    close: () => database.close(),
  };
}
