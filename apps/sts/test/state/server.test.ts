import { describeEachEngine } from '@behalf/database/testing';
import { SettingsError } from '@behalf/service';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { assertOwnDatabase, claimDatabase, developmentSettingsIn } from '../../src/state/server.ts';
import { openTestStorage, type TestStorage } from '../support/storage.ts';

const MINE = loadConfig({ API1_URL: 'http://localhost:9001' });

describeEachEngine('the server that a database belongs to', (engine) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await openTestStorage(engine);
  });
  afterEach(() => storage.close());

  it('is the first that starts on it, also of two that start at once', async () => {
    const replica = await storage.replica();
    const other = loadConfig({ ISSUER: 'http://localhost:4999' });
    const results = await Promise.allSettled([
      claimDatabase(storage.database, MINE),
      claimDatabase(replica.database, other),
    ]);
    const [refused, ...more] = results.filter(({ status }) => status === 'rejected');
    expect(more).toEqual([]);
    expect(refused).toMatchObject({ reason: expect.any(SettingsError) as unknown });
    await replica.database.close();
  });

  it('starts again, and refuses another issuer or mode by name', async () => {
    await claimDatabase(storage.database, MINE);
    await claimDatabase(storage.database, MINE);
    const { db } = storage.database;
    await assertOwnDatabase(db, MINE);
    const elsewhere = loadConfig({ ISSUER: 'http://localhost:4999' });
    const says = 'belongs to the STS with ISSUER=http://localhost:4000 in development, not to one with';
    await expect(claimDatabase(storage.database, elsewhere)).rejects.toThrow(
      `${says} ISSUER=http://localhost:4999`,
    );
    await expect(assertOwnDatabase(db, { ...MINE, isProduction: true })).rejects.toThrow(
      /in production: set/,
    );
  });

  it('is nobody’s before, and no command’s', async () => {
    await expect(assertOwnDatabase(storage.database.db, MINE)).rejects.toThrow('no STS has started');
  });

  it('tells a development server’s addresses, never a production server’s', async () => {
    await claimDatabase(storage.database, MINE);
    expect(await developmentSettingsIn(storage.database.db)).toMatchObject({
      ISSUER: 'http://localhost:4000',
      API1_URL: 'http://localhost:9001',
      WEB_URL: 'http://localhost:5173',
    });
    await storage.database.db.updateTable('server').set({ issuer: null }).execute();
    await claimDatabase(storage.database, { ...MINE, isProduction: true });
    expect(await developmentSettingsIn(storage.database.db)).toEqual({});
  });
});
