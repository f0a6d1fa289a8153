import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SettingsError } from '@behalf/service';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registry as registryCommand } from '../../src/cli/registry.ts';
import { loadConfig } from '../../src/config.ts';
import { loadRegistry } from '../../src/registry/load-registry.ts';
import { registryJsonSchema } from '../../src/registry/registry-file.ts';
import { developmentSettingsIn } from '../../src/state/server.ts';
import { basic, post, signIn } from '../support/sign-in.ts';
import { API1, startTestSts, type TestSts } from '../support/sts.ts';

const ORDERS = 'http://localhost:4010';

/** A registry without a part of the demo's but its web client and API1. */
const FILE = {
  apis: [
    {
      name: 'api1',
      identifier: API1,
      scopes: ['api1'],
      clients: [{ id: 'api1.client', rights: ['exchange', 'introspect'] }],
    },
    { name: 'orders', identifier: ORDERS, scopes: ['orders.read'], clients: [] },
  ],
  clients: [
    {
      id: 'web.client',
      firstParty: true,
      scopes: ['api1', 'account'],
      metadata: {
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['http://localhost:5173/callback'],
        scope: 'openid profile email',
      },
    },
    {
      id: 'api1.client',
      firstParty: true,
      scopes: ['orders.read'],
      metadata: { grant_types: ['delegation'] },
    },
  ],
  delegationPolicy: [
    {
      actor: 'api1.client',
      subjectToken: { api: 'api1', scope: 'api1' },
      to: 'orders',
      by: ['delegation'],
      scopes: ['orders.read'],
      maximumDepth: 1,
    },
  ],
  trustedIssuers: [],
};

const PARTNER = {
  issuer: 'https://partner.example',
  keys: { kind: 'remote', jwksUri: 'https://partner.example/jwks' },
  audience: 'https://sts.example',
  algorithms: ['ES256'],
  subjects: { 'alice@partner': 'usr_7Q2mZk4TtR9xPa1c' },
  maximumAgeSeconds: 300,
  requiredClaims: ['iss', 'aud', 'sub', 'azp', 'iat', 'exp', 'jti'],
};

const PRODUCTION = {
  NODE_ENV: 'production',
  ISSUER: 'https://sts.example',
  WEB_URL: 'https://web.example',
  KEY_ENCRYPTION_KEY: `2026:${Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64')}`,
};

const atHttps = (file: object) =>
  JSON.parse(JSON.stringify(file).replaceAll('http://', 'https://')) as object;

async function faultsOf(
  file: unknown,
  environment: Readonly<Record<string, string>> = { DEMO_DATA: 'off' },
): Promise<readonly string[]> {
  try {
    await loadRegistry(loadConfig({ ...environment, REGISTRY: JSON.stringify(file) }));
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
}

describe('a server with a registry of its own', () => {
  let sts: TestSts;
  beforeAll(async () => {
    sts = await startTestSts({ environment: { REGISTRY: JSON.stringify(FILE) } });
  });
  afterAll(() => sts.close());

  test('lets a user sign in, and exchanges by its rows of the policy alone', async () => {
    const { accessToken } = await signIn(sts.issuer);
    const exchange = (scope: string) =>
      post(
        `${sts.issuer}/connect/token`,
        { grant_type: 'delegation', scope, token: accessToken },
        basic('api1.client'),
      );
    const answer = await exchange('orders.read');
    expect(decodeJwt(String(answer.body['access_token']))).toMatchObject({
      aud: ORDERS,
      scope: 'orders.read',
      act: { sub: 'api1.client' },
    });
    expect((await exchange('api2')).body['error']).toBe('invalid_scope');
  });

  test('tells it to the command line beside a development server', async () => {
    const settings = await developmentSettingsIn(sts.state.database.db);
    expect(loadConfig(settings).registryFile).toEqual(sts.config.registryFile);
  });

  test('has no client of the built-in one', async () => {
    expect((await sts.state.clients.list()).map(({ id }) => id)).toEqual(['api1.client', 'web.client']);
  });
});

describe('in production', () => {
  test('partners come from the file, and settings of the built-in registry need not be set', async () => {
    const file = { ...atHttps(FILE), trustedIssuers: [PARTNER] };
    expect(await faultsOf(file, PRODUCTION)).toEqual([]);
    const config = loadConfig({ ...PRODUCTION, REGISTRY: JSON.stringify(file) });
    const { trustedIssuers, clients } = await loadRegistry(config);
    expect(trustedIssuers).toEqual([PARTNER]);
    // Their secrets are made by the command line.
    expect(clients.map(({ secret }) => secret)).toEqual([undefined, undefined]);
  });

  test.each([
    ['an API at http', FILE, 'the identifier of api1 is not https'],
    [
      "a partner's keys at http",
      {
        ...atHttps(FILE),
        trustedIssuers: [{ ...PARTNER, keys: { kind: 'remote', jwksUri: 'http://localhost:9/jwks' } }],
      },
      'the keys of the trusted issuer https://partner.example are not at an https address',
    ],
  ])('no server starts on %s', async (_what, file, fault) => {
    expect((await faultsOf(file, PRODUCTION)).join('\n')).toContain(fault);
  });
});

const [row] = FILE.delegationPolicy;
const [web, api1] = FILE.clients;
test.each<[string, unknown, string]>([
  ['no JSON object', [], 'REGISTRY: '],
  ['a word that is unknown', { ...FILE, secrets: {} }, 'secrets'],
  ['a part that is missing', { ...FILE, apis: undefined }, 'REGISTRY: apis: '],
  [
    'a secret',
    { ...FILE, clients: [web, { ...api1, metadata: { ...api1?.metadata, client_secret: 'x' } }] },
    'REGISTRY: clients.1.metadata: has a secret',
  ],
  [
    'a grant that is none',
    { ...FILE, delegationPolicy: [{ ...row, by: ['badge'] }] },
    'delegationPolicy.0.by.0',
  ],
  [
    'a client with a scope of no API',
    { ...FILE, clients: [web, { ...api1, scopes: ['api2'] }] },
    'api1.client: no API owns the scope api2',
  ],
  [
    'a row to an unknown API',
    { ...FILE, delegationPolicy: [{ ...row, to: 'api9' }] },
    'leads to an unknown API',
  ],
  ['an API of two', { ...FILE, apis: [...FILE.apis, FILE.apis[1]] }, 'two APIs for "orders"'],
  ["the server's own API", { ...FILE, apis: [{ ...FILE.apis[0], name: 'sts' }] }, 'two APIs for "sts"'],
  [
    'a row for an unknown issuer',
    { ...FILE, delegationPolicy: [{ ...row, subjectToken: { issuer: 'https://other.example' } }] },
    'https://other.example, which is no trusted issuer',
  ],
  [
    'a partner whose tokens may be used twice',
    { ...FILE, trustedIssuers: [{ ...PARTNER, requiredClaims: ['iss', 'aud', 'sub', 'azp', 'iat', 'exp'] }] },
    'trustedIssuers.0.requiredClaims: lacks',
  ],
  [
    'the translation grant without subscriptions',
    { ...FILE, clients: [web, { ...api1, metadata: { grant_types: ['translation'] } }] },
    'the grant translation asks the API SUBSCRIPTIONS_RESOURCE',
  ],
])('a file with %s is refused', async (_what, file, fault) => {
  expect((await faultsOf(file)).join('\n')).toContain(fault);
});

test('registry.schema.json is the schema of the file, for editors', async () => {
  const schema = `${JSON.stringify(registryJsonSchema(), undefined, 2)}\n`;
  await expect(schema).toMatchFileSnapshot('../../registry.schema.json');
});

describe('the command registry', () => {
  const folder = mkdtempSync(join(tmpdir(), 'behalf-registry-'));
  const file = join(folder, 'registry.json');
  afterAll(() => rmSync(folder, { recursive: true }));

  async function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const printed: string[] = [];
    await registryCommand(args, { DATA_DIR: folder, ...environment }, (line) => void printed.push(line));
    return printed;
  }

  test('shows the built-in registry as a file that changes nothing', async () => {
    writeFileSync(file, (await run(['show'])).join('\n'));
    expect(await run(['diff', file])).toEqual(['nothing changes']);
    expect(await run(['validate', file])).toEqual([
      expect.stringMatching(/usable: \d APIs, \d clients, \d rows of policy, 0 trusted issuers$/),
    ]);
  });

  test('says line by line what a file changes', async () => {
    const text = readFileSync(file, 'utf8')
      .replace('"maximumDepth": 2', '"maximumDepth": 3')
      .replace('"scopes": [\n        "api1",\n        "account"\n      ]', '"scopes": ["api1"]');
    const changed = join(folder, 'changed.json');
    writeFileSync(changed, text);
    const lines = await run(['diff', changed], { REGISTRY_FILE: file });
    expect(lines).toEqual([
      '~ client web.client scopes: ["api1","account"] -> ["api1"]',
      expect.stringMatching(/^- policy .*"maximumDepth":2\}$/),
      expect.stringMatching(/^\+ policy .*"maximumDepth":3\}$/),
    ]);
  });

  test('refuses what no server would start with, and wrong use', async () => {
    await expect(run(['validate'])).rejects.toThrow('registry show');
    await expect(run(['apply', file])).rejects.toThrow('registry show');
    writeFileSync(file, JSON.stringify({ ...FILE, delegationPolicy: [{ ...row, to: 'api9' }] }));
    await expect(run(['validate', file])).rejects.toThrow('leads to an unknown API');
  });
});
