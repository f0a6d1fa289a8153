import { describeEachEngine } from '@behalf/database/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RegisteredClient } from '../../src/registry/clients.ts';
import { openTestStorage, type TestStorage } from '../support/storage.ts';

const client: Omit<RegisteredClient, 'disabled'> = {
  id: 'api1.client',
  metadata: { grant_types: ['delegation'], token_endpoint_auth_method: 'client_secret_basic' },
  scopes: ['api2'],
  firstParty: true,
};

describeEachEngine('ClientStore', (engine) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await openTestStorage(engine);
    await storage.clients.upsert(client);
  });
  afterEach(() => storage.close());

  it('gives back a client as it was registered, and its changes', async () => {
    expect(await storage.clients.find('api1.client')).toEqual({ ...client, disabled: false });
    await storage.clients.upsert({ ...client, scopes: [] });
    expect(await storage.clients.find('api1.client')).toMatchObject({ scopes: [] });
    expect(await storage.clients.find('nobody')).toBeUndefined();
    expect(await storage.clients.list()).toHaveLength(1);
  });

  it('takes each of several secrets until it expires, and no other value', async () => {
    const { now } = storage.clock;
    await storage.clients.addSecret('api1.client', 'first', { expiresAt: now + 10 });
    await storage.clients.addSecret('api1.client', 'second');
    const accepted = (secret: string, at = now) => storage.clients.checkSecret('api1.client', secret, at);
    expect(await accepted('first')).toBe(true);
    expect(await accepted('second')).toBe(true);
    expect(await accepted('first', now + 10)).toBe(false);
    for (const wrong of ['', 'firs', 'first\0', 'FIRST']) expect(await accepted(wrong)).toBe(false);
    expect(await storage.clients.checkSecret('nobody', 'first', now)).toBe(false);
  });

  it('ends every secret but one, unless that one is none', async () => {
    const { now } = storage.clock;
    for (const secret of ['leaked', 'also leaked', 'new'])
      await storage.clients.addSecret('api1.client', secret);
    const accepted = (secret: string) => storage.clients.checkSecret('api1.client', secret, now);
    expect(await storage.clients.revokeOtherSecrets('api1.client', 'mistyped', now)).toBe(false);
    expect(await accepted('leaked')).toBe(true);
    expect(await storage.clients.revokeOtherSecrets('api1.client', 'new', now)).toBe(true);
    expect([await accepted('leaked'), await accepted('also leaked'), await accepted('new')]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('stores no secret in clear', async () => {
    await storage.clients.addSecret('api1.client', 'a-real-secret');
    const rows = await storage.database.db.selectFrom('client_secrets').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain('a-real-secret');
  });

  it('takes no secret of a disabled client, and hides it from oidc-provider', async () => {
    await storage.clients.addSecret('api1.client', 'secret');
    expect(await storage.adapter('Client').find('api1.client')).toMatchObject({ client_id: 'api1.client' });
    expect(await storage.clients.setDisabled('api1.client', true)).toBe(true);
    expect(await storage.clients.checkSecret('api1.client', 'secret', storage.clock.now)).toBe(false);
    expect(await storage.adapter('Client').find('api1.client')).toBeUndefined();
    expect(await storage.clients.setDisabled('nobody', true)).toBe(false);
  });

  it('notices what another replica changed', async () => {
    const replica = await storage.replica();
    expect(await replica.clients.find('api1.client')).toMatchObject({ disabled: false });
    await storage.clients.setDisabled('api1.client', true);
    await expect.poll(() => replica.clients.find('api1.client')).toMatchObject({ disabled: true });
  });

  it('gives oidc-provider a stand-in that no caller can know, for clients with a secret alone', async () => {
    const engine_ = storage.adapter('Client');
    const found = await engine_.find('api1.client');
    expect(found).toMatchObject({ client_secret: expect.stringMatching(/^[\w-]{43}$/) as string });
    await storage.clients.upsert({
      ...client,
      id: 'web.client',
      metadata: { token_endpoint_auth_method: 'none' },
    });
    expect(await engine_.find('web.client')).not.toHaveProperty('client_secret');
  });
});
