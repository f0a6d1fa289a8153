import { describeEachEngine } from '@behalf/database/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DEVELOPMENT_ADDRESSES } from '../../src/registry/apis.ts';
import { createClients } from '../../src/registry/clients.ts';
import { seedRegistry } from '../../src/registry/load-registry.ts';
import { ALICE, DAVE, DEMO_USERS } from '../../src/registry/users-and-issuers.ts';
import { openTestStorage, type TestStorage } from '../support/storage.ts';

const clients = createClients(DEVELOPMENT_ADDRESSES, { kty: 'EC' });

describeEachEngine('the development registry in the database', (engine) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await openTestStorage(engine);
  });
  afterEach(() => storage.close());

  const seed = async (stores: Pick<TestStorage, 'users' | 'clients'> = storage, with_ = clients) => {
    const applied: string[] = [];
    await seedRegistry({ users: DEMO_USERS, clients: with_ }, stores, (id) => applied.push(id));
    return applied;
  };

  it('has the users with their passwords and ids, and dave’s may_act', async () => {
    await seed();
    expect(await storage.users.authenticate('alice', 'alice')).toMatchObject({ id: ALICE });
    expect(await storage.users.findById(DAVE)).toMatchObject({ mayAct: { sub: 'support.client' } });
  });

  it('has every client, and secrets for those that have one', async () => {
    await seed();
    for (const { id, scopes, firstParty, secret } of clients) {
      expect(await storage.clients.find(id)).toMatchObject({ scopes, firstParty, disabled: false });
      expect(await storage.clients.checkSecret(id, 'secret', storage.clock.now)).toBe(secret !== undefined);
    }
  });

  it('undoes nothing that an operator changed', async () => {
    await seed();
    await storage.users.setPassword('alice', 'another');
    await storage.users.setDisabled('bob', true);
    await storage.clients.setDisabled('machine.client', true);
    await seed();
    expect(await storage.users.authenticate('alice', 'alice')).toBeUndefined();
    expect(await storage.users.findByName('bob')).toMatchObject({ disabled: true });
    const replica = await storage.replica();
    expect(await replica.clients.find('machine.client')).toMatchObject({ disabled: true });
    await replica.database.close();
  });

  it('brings back no secret that an operator retired, and applies one that changed in the settings', async () => {
    const has = (secret: string) => storage.clients.checkSecret('api1.client', secret, storage.clock.now);
    expect(await seed()).toContain('api1.client');
    await storage.clients.addSecret('api1.client', 'from an operator');
    await storage.clients.revokeOtherSecrets('api1.client', 'from an operator', storage.clock.now);
    expect(await seed()).toEqual([]);
    expect(await has('secret')).toBe(false);
    const changed = clients.map((client) =>
      client.id === 'api1.client' ? { ...client, secret: 'a new one' } : client,
    );
    expect(await seed(storage, changed)).toEqual(['api1.client']);
    expect([await has('a new one'), await has('from an operator'), await has('secret')]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('is put there by two replicas at once', async () => {
    const replica = await storage.replica();
    await Promise.all([seed(), seed(replica)]);
    expect(await replica.users.authenticate('alice', 'alice')).toMatchObject({ id: ALICE });
    await replica.database.close();
  });
});
