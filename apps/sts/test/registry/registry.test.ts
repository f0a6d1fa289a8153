import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  DEVELOPMENT_ADDRESSES as AT,
  createApiRegistry,
  createApiDirectory,
  createApis,
} from '../../src/registry/apis.ts';
import { createClients, USER_SUBSCRIPTION_CLIENT } from '../../src/registry/clients.ts';
import {
  DELEGATION_POLICY,
  type DelegationPolicy,
  validatePolicy,
} from '../../src/registry/delegation-policy.ts';
import { JWT_CLIENT_KEY_FILE, loadDemoKeys, PARTNER_KEY_FILE } from '../../src/registry/users-and-issuers.ts';

const apis = createApiRegistry(createApis(AT));

const clients = createClients(AT, { kty: 'EC' });

const client = (id: string) => {
  const found = clients.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`no client ${id}`);
  return found;
};

describe('the APIs', () => {
  const directory = createApiDirectory(apis, (id) => client(id).scopes);

  test.each([
    ['api1', AT.api1Resource],
    [AT.api2Resource, AT.api2Resource],
    ['subscriptions', AT.subscriptionsResource],
    [AT.issuer, AT.issuer],
    ['http://localhost:4001/', undefined],
    ['API1', undefined],
    ['', undefined],
    ['constructor', undefined],
  ])('the target %j is %j', (name, identifier) => {
    expect(directory.resolve(name)).toBe(identifier);
  });

  test.each([
    ['api2.premium', AT.api2Resource],
    ['account', AT.issuer],
    ['openid', undefined],
    ['API2', undefined],
  ])('the scope %j belongs to %j', (scope, owner) => {
    expect(directory.ownerOf(scope)).toBe(owner);
  });

  test.each([
    ['api1.client', AT.api1Resource, 'exchange', true],
    ['api1.client', AT.api2Resource, 'exchange', false],
    ['api2.client', AT.api2Resource, 'exchange', true],
    ['subscriptions.client', AT.subscriptionsResource, 'introspect', true],
    ['subscriptions.client', AT.subscriptionsResource, 'exchange', false],
    ['web.client', AT.api1Resource, 'exchange', false],
    ['api1.client', 'api1', 'exchange', false],
  ] as const)('%s at %s has the right to %s: %s', (id, identifier, right, expected) => {
    expect(apis.hasRight(id, identifier, right)).toBe(expected);
  });

  test('a scope that two APIs claim stops the start', () => {
    const twice = [
      ...createApis(AT),
      { name: 'x', identifier: 'https://x.example', scopes: ['api1'], clients: [] },
    ];
    expect(() => createApiRegistry(twice)).toThrow('two APIs for "api1"');
  });

  test('two APIs of one identifier stop the start: no token could say which it is for (RFC 9068 §5)', () => {
    const twice = [...createApis(AT), { name: 'x', identifier: AT.api1Resource, scopes: ['x'], clients: [] }];
    expect(() => createApiRegistry(twice)).toThrow(`two APIs for "${AT.api1Resource}"`);
  });
});

describe('the clients', () => {
  test('the client that the STS acts as itself is not among those anybody can be', () => {
    expect(clients.map(({ id }) => id)).not.toContain(USER_SUBSCRIPTION_CLIENT.id);
  });

  test.each(['api1.client', 'api2.client'])('%s gets for itself the scope actor alone', (id) => {
    expect(client(id).metadata['client_credentials_scope']).toBe('actor');
  });

  test('every scope of a client is a scope of some API', () => {
    const unknown = clients
      .flatMap(({ scopes }) => scopes)
      .filter((scope) => apis.ownerOf(scope) === undefined);
    expect(unknown).toEqual([]);
  });

  test('every client that may introspect or exchange for an API is registered', () => {
    for (const { clients: acting } of apis.all) {
      for (const { id } of acting) expect(client(id).secret).toBeDefined();
    }
  });

  test('every row of the policy is for a client that may use the row’s grants and its scopes', () => {
    for (const { actor, by, scopes } of DELEGATION_POLICY) {
      expect(client(actor).metadata['grant_types']).toEqual(expect.arrayContaining([...by]));
      expect(client(actor).scopes).toEqual(expect.arrayContaining([...scopes]));
    }
  });

  test.each(['api1.client', 'api2.client'])('%s is told of a logout at its API’s address', (id) => {
    expect(String(client(id).metadata['backchannel_logout_uri'])).toMatch(
      /^http:\/\/localhost:400[12]\/backchannel-logout$/,
    );
  });
});

describe('the policy', () => {
  const row = {
    actor: 'a',
    subjectToken: { api: 'api1', scope: 'api1' },
    to: 'api2',
    by: ['delegation'],
    scopes: ['api2'],
    maximumDepth: 1,
  };

  test('of the development registry fits its APIs', () => {
    expect(() => validatePolicy(DELEGATION_POLICY, apis)).not.toThrow();
  });

  test.each([
    ['an unknown API', { ...row, to: 'api9' }],
    ['a scope of another API', { ...row, scopes: ['api1'] }],
    ['an unknown scope', { ...row, scopes: ['api9'] }],
    ['a foreign scope to start from', { ...row, subjectToken: { api: 'api1', scope: 'api2' } }],
    ['no scope at all', { ...row, scopes: [] }],
    ['no grant at all', { ...row, by: [] }],
    ['depth nought', { ...row, maximumDepth: 0 }],
    ['a scope of clients for a user', { ...row, scopes: ['api2.statistics'] }],
    ['a scope of users for a client', { ...row, subjectToken: { ...row.subjectToken, subject: 'client' } }],
    [
      'a chain of a client that leads on',
      {
        ...row,
        subjectToken: { ...row.subjectToken, subject: 'client' },
        scopes: ['api2.statistics'],
        maximumDepth: 2,
      },
    ],
    [
      'a token derived from a client’s to start from',
      {
        ...row,
        subjectToken: { api: 'api2', scope: 'api2.statistics' },
        to: 'subscriptions',
        scopes: ['subscriptions.read'],
      },
    ],
  ] as [string, DelegationPolicy[number]][])('with a rule that has %s stops the start', (_title, rule) => {
    expect(() => validatePolicy([rule], apis)).toThrow("the policy's row for a");
  });
});

describe('the development keys', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'behalf-keys-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  test('two starts at once agree on them, and later starts keep them', async () => {
    const [first, second] = await Promise.all([loadDemoKeys(folder), loadDemoKeys(folder)]);
    expect(second).toEqual(first);
    expect(await loadDemoKeys(folder)).toEqual(first);
  });

  test('what they give out is public; what they keep is for the owner alone', async () => {
    const keys = await loadDemoKeys(folder);
    expect(keys.partner).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256' });
    expect(keys.partner).not.toHaveProperty('d');
    expect(keys.jwtClient).not.toHaveProperty('d');
    expect((await stat(join(folder, 'dev'))).mode & 0o777).toBe(0o700);
    for (const name of [JWT_CLIENT_KEY_FILE, PARTNER_KEY_FILE]) {
      const file = join(folder, 'dev', name);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(JSON.parse(await readFile(file, 'utf8'))).toHaveProperty('d');
    }
  });
});
