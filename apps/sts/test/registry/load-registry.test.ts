import { describeEachEngine } from '@behalf/database/testing';
import { SettingsError } from '@behalf/service';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createApiRegistry, DEVELOPMENT_ADDRESSES, createApis } from '../../src/registry/apis.ts';
import { createClients } from '../../src/registry/clients.ts';
import { seedRegistry, validateDatabase } from '../../src/registry/load-registry.ts';
import {
  createDemoPartner,
  DEMO_USERS,
  type TrustedIssuer,
  trustedIssuerFaults,
} from '../../src/registry/users-and-issuers.ts';
import { openTestStorage, type TestStorage } from '../support/storage.ts';

const jwtClient = { kty: 'EC', kid: 'jwt.client' };

const withoutSecrets = createClients(DEVELOPMENT_ADDRESSES, jwtClient).map(
  ({ secret: _secret, ...client }) => client,
);

const empty = {
  apis: createApiRegistry(createApis(DEVELOPMENT_ADDRESSES)),
  trustedIssuers: [],
  clients: [],
  users: [],
};

const demo = { ...empty, clients: withoutSecrets, users: DEMO_USERS };

const NOT_HTTPS = 'the keys of the trusted issuer https://partner.behalf.example are not at an https address';

describeEachEngine('the registry in production', (engine) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await openTestStorage(engine);
  });
  afterEach(() => storage.close());

  const seedDemo = () => seedRegistry(demo, storage, () => undefined);
  const faults = async (isDemo = false): Promise<readonly string[]> => {
    try {
      await validateDatabase(empty, storage, {
        isProduction: true,
        demo: isDemo,
        now: storage.clock.now,
      });
      return [];
    } catch (error) {
      if (error instanceof SettingsError) return error.faults;
      throw error;
    }
  };

  it('starts on an empty database, and on that of a demo while it is one', async () => {
    expect(await faults()).toEqual([]);
    await seedDemo();
    expect(await faults(true)).toEqual([]);
  });

  it('refuses a database with a client whose name or scopes are not kept apart from users’ (RFC 9700 §4.15)', async () => {
    const registration = { metadata: { grant_types: ['client_credentials'] }, firstParty: true };
    await storage.users.add({ id: 'usr_1', name: 'erin', password: 'a password' });
    for (const [id, scopes] of [
      ['userSubscriptionClient', []],
      ['usr_1', []],
      ['sessions.client', ['account']],
      ['good.client', ['api1']],
    ] as const) {
      await storage.clients.upsert({ ...registration, id, scopes });
    }
    expect(await faults(true)).toEqual([
      expect.stringContaining('sessions.client: the scope account is for users'),
      'the database holds the client userSubscriptionClient: the client id userSubscriptionClient is reserved',
      "the database holds the client usr_1: its id is a user's sub",
    ]);
  });

  it('refuses a database that holds a development secret', async () => {
    await storage.clients.upsert({ id: 'some.client', metadata: {}, scopes: [], firstParty: true });
    await storage.clients.addSecret('some.client', 'secret');
    expect(await faults()).toEqual(['the database holds the development secret of some.client']);
  });

  it('refuses what a demo has left there: people with known passwords, a client with a key on disk', async () => {
    await seedDemo();
    const left = ['alice', 'bob', 'carol', 'dave', 'jwt.client'];
    expect(await faults()).toEqual(left.map((name) => expect.stringContaining(`${name} `) as string));
    for (const name of ['alice', 'bob', 'carol']) await storage.users.setDisabled(name, true);
    await storage.users.setPassword('dave', 'an unknown password');
    await storage.clients.setDisabled('jwt.client', true);
    expect(await faults()).toEqual([]);
  });
});

it.each<[string, TrustedIssuer['keys'], readonly string[]]>([
  ['a registered key', { kind: 'static', jwks: { keys: [jwtClient] } }, []],
  ['an https address', { kind: 'remote', jwksUri: 'https://partner.example/jwks' }, []],
  ['an http address', { kind: 'remote', jwksUri: 'http://partner.example/jwks' }, [NOT_HTTPS]],
  ['http on localhost', { kind: 'remote', jwksUri: 'http://localhost:9/jwks' }, [NOT_HTTPS]],
  ['no address', { kind: 'remote', jwksUri: 'partner.example' }, [NOT_HTTPS]],
])('a trusted issuer with %s has the faults %j', (_what, keys, faults) => {
  const issuer = { ...createDemoPartner({ audience: 'https://sts.example', publicKey: jwtClient }), keys };
  expect(trustedIssuerFaults([issuer])).toEqual(faults);
});
