import { describeEachEngine } from '@behalf/database/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Provider } from 'oidc-provider';
import { createProviderClients, OWN_CLIENT_METADATA } from '../../src/oidc/clients.ts';
import type { RegisteredClient } from '../../src/registry/clients.ts';
import { openTestStorage, type TestStorage } from '../support/storage.ts';

const client: Omit<RegisteredClient, 'disabled'> = {
  id: 'api1.client',
  metadata: {
    grant_types: [],
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: [],
    response_types: [],
  },
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
    expect(await storage.clients.find('api1.client')).toEqual({ ...client, disabled: false, secrets: [] });
    await storage.clients.upsert({ ...client, scopes: [] });
    expect(await storage.clients.find('api1.client')).toMatchObject({ scopes: [] });
    expect(await storage.clients.find('nobody')).toBeUndefined();
    expect(await storage.clients.list()).toHaveLength(1);
  });

  it('takes each of several secrets until it expires, and no other value', async () => {
    const { now } = storage.clock;
    await storage.clients.addSecret('api1.client', 'first', now + 10);
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
    const provider = providerOver(storage);
    await storage.clients.addSecret('api1.client', 'secret');
    const found = await provider.Client.find('api1.client');
    expect(await found?.compareClientSecret('secret')).toBe(true);
    expect(await found?.compareClientSecret('secre')).toBe(false);
    expect(await storage.clients.setDisabled('api1.client', true)).toBe(true);
    expect(await storage.clients.checkSecret('api1.client', 'secret', storage.clock.now)).toBe(false);
    expect(await provider.Client.find('api1.client')).toBeUndefined();
    expect(await storage.clients.setDisabled('nobody', true)).toBe(false);
  });

  it('gives oidc-provider the same client until it changes', async () => {
    const provider = providerOver(storage);
    const first = await provider.Client.find('api1.client');
    expect(await provider.Client.find('api1.client')).toBe(first);
    await storage.clients.addSecret('api1.client', 'secret');
    const second = await provider.Client.find('api1.client');
    expect(second).not.toBe(first);
    expect(await second?.compareClientSecret('secret')).toBe(true);
  });

  it('notices what another replica changed', async () => {
    const replica = await storage.replica();
    expect(await replica.clients.find('api1.client')).toMatchObject({ disabled: false });
    await storage.clients.setDisabled('api1.client', true);
    await expect.poll(() => replica.clients.find('api1.client')).toMatchObject({ disabled: true });
  });

  it('gives oidc-provider a stand-in that no caller can know, for clients with a secret alone', async () => {
    const provider = providerOver(storage);
    expect((await provider.Client.find('api1.client'))?.clientSecret).toMatch(/^[\w-]{43}$/);
    await storage.clients.upsert({
      ...client,
      id: 'web.client',
      metadata: {
        token_endpoint_auth_method: 'none',
        redirect_uris: [],
        response_types: [],
        grant_types: [],
      },
    });
    expect((await provider.Client.find('web.client'))?.clientSecret).toBeUndefined();
  });
});

/** A provider that finds its clients in this storage. */
function providerOver(storage: TestStorage): Provider {
  const provider = new Provider('https://sts.example', {
    extraClientMetadata: { properties: OWN_CLIENT_METADATA },
  });
  createProviderClients(storage.clients, []).install(provider, () => storage.clock.now);
  return provider;
}
