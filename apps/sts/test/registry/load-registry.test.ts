import { describeEachEngine } from '@behalf/database/testing';
import { SettingsError } from '@behalf/service';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createApiRegistry, DEVELOPMENT_ADDRESSES, createApis } from '../../src/registry/apis.ts';
import { createClients } from '../../src/registry/clients.ts';
import { seedRegistry } from '../../src/registry/load-registry.ts';
import { DEMO_USERS } from '../../src/registry/users-and-issuers.ts';
import { openTestStorage, type TestStorage } from '../support/storage.ts';

const jwtClient = { kty: 'EC', kid: 'jwt.client' };

const withoutSecrets = createClients(DEVELOPMENT_ADDRESSES, { jwtClient }).map(
  ({ secret: _secret, ...client }) => client,
);

const nobody = {
  apis: createApiRegistry(createApis(DEVELOPMENT_ADDRESSES)),
  trustedIssuers: [],
  clients: [],
  users: [],
};

const demo = { ...nobody, clients: withoutSecrets, users: DEMO_USERS };

describeEachEngine('the registry in production', (engine) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await openTestStorage(engine);
  });
  afterEach(() => storage.close());

  const start = (registry: Parameters<typeof seedRegistry>[0], isDemo: boolean) =>
    seedRegistry(registry, storage, {
      isProduction: true,
      demo: isDemo,
      now: storage.clock.now,
    });
  const faults = async (isDemo = false): Promise<readonly string[]> => {
    try {
      await start(nobody, isDemo);
      return [];
    } catch (error) {
      if (error instanceof SettingsError) return error.faults;
      throw error;
    }
  };

  it('starts on an empty database, and on that of a demonstration while it is one', async () => {
    expect(await faults()).toEqual([]);
    await start(demo, true);
    expect(await faults(true)).toEqual([]);
  });

  it('does not start with a client that could not work, and registers nothing', async () => {
    const unfit = { id: 'new.client', firstParty: true, scopes: ['api9'], metadata: {} };
    await expect(start({ ...nobody, clients: [unfit] }, true)).rejects.toThrow(
      'new.client: no API owns the scope api9',
    );
    expect(await storage.clients.list()).toEqual([]);
  });

  it('refuses a database that holds a development secret', async () => {
    await storage.clients.upsert({ id: 'some.client', metadata: {}, scopes: [], firstParty: true });
    await storage.clients.addSecret('some.client', 'secret');
    expect(await faults()).toEqual(['the database holds the development secret of some.client']);
  });

  it('refuses what a demonstration has left there: people with known passwords, a client with a key on disk', async () => {
    await start(demo, true);
    const left = ['alice', 'bob', 'carol', 'dave', 'jwt.client'];
    expect(await faults()).toEqual(
      left.map((name) => expect.stringContaining(`holds the demo's ${name} `) as string),
    );
    for (const name of ['alice', 'bob', 'carol']) await storage.users.setDisabled(name, true);
    await storage.users.setPassword('dave', 'a password that nobody knows');
    await storage.clients.setDisabled('jwt.client', true);
    expect(await faults()).toEqual([]);
  });
});
