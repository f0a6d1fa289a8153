import { createHash } from 'node:crypto';
import { SettingsError } from '@behalf/service';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../src/config.ts';

const KEY = `2026:${createHash('sha256').update('a key').digest('base64')}`;

/** A production configuration that is fine as it is. */
const PRODUCTION = {
  NODE_ENV: 'production',
  ISSUER: 'https://sts.example',
  API1_RESOURCE: 'https://api1.example',
  API2_RESOURCE: 'https://api2.example',
  SUBSCRIPTIONS_RESOURCE: 'https://subscriptions.example',
  AGENT_RESOURCE: 'https://agent.example',
  WEB_URL: 'https://web.example',
  API1_CLIENT_SECRET: 'a generated secret 1',
  API2_CLIENT_SECRET: 'a generated secret 2',
  SUBSCRIPTIONS_CLIENT_SECRET: 'a generated secret 3',
  AGENT_CLIENT_SECRET: 'a generated secret 7',
  KEY_ENCRYPTION_KEY: KEY,
};

function faultsOf(environment: Readonly<Record<string, string | undefined>>): string {
  try {
    loadConfig(environment);
    return '';
  } catch (error) {
    if (error instanceof SettingsError) return error.faults.join('\n');
    throw error;
  }
}

describe('in development', () => {
  test('everything has a default, and the demo is on', () => {
    const config = loadConfig({});
    expect(config).toMatchObject({
      port: 4000,
      demo: true,
      webOrigin: 'http://localhost:5173',
      databaseUrl: undefined,
    });
    expect(config.registry.issuer).toBe('http://localhost:4000');
    expect(config.databaseFile).toMatch(/\.data\/sts\.db$/);
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('STS_DATABASE_URL wins over DATABASE_URL', () => {
    const config = loadConfig({ DATABASE_URL: 'postgres://all', STS_DATABASE_URL: 'postgres://own' });
    expect(config.databaseUrl).toBe('postgres://own');
  });

  test('an identifier stays as it is written, and is called without the trailing slash', () => {
    const config = loadConfig({ API2_RESOURCE: 'https://api2.example/' });
    expect(config.registry).toMatchObject({
      api2Resource: 'https://api2.example/',
      api2Url: 'https://api2.example',
    });
  });

  test('an issuer with a trailing slash is refused, because the metadata names addresses behind it', () => {
    expect(faultsOf({ ISSUER: 'http://localhost:4000/' })).toContain('ISSUER: is not an origin');
  });

  test('all faults are told at once, without a value', () => {
    const faults = faultsOf({
      STS_PORT: 'many',
      ISSUER: 'http://localhost:4000/path',
      COOKIE_KEYS: 'short-secret',
      KEY_ENCRYPTION_KEY: 'not-a-key',
    });
    for (const name of ['STS_PORT', 'ISSUER', 'COOKIE_KEYS', 'KEY_ENCRYPTION_KEY']) {
      expect(faults).toContain(name);
    }
    expect(faults).not.toContain('short-secret');
    expect(faults).not.toContain('not-a-key');
  });
});

describe('in production', () => {
  test('a safe configuration is taken, without the demo, and a start seeds nothing', () => {
    expect(loadConfig(PRODUCTION)).toMatchObject({ isProduction: true, demo: false, seed: false });
  });

  const unsafe = [
    { name: 'API1_CLIENT_SECRET', change: { API1_CLIENT_SECRET: '' } },
    { name: 'API2_CLIENT_SECRET', change: { API2_CLIENT_SECRET: 'secret' } },
    { name: 'SUBSCRIPTIONS_CLIENT_SECRET', change: { SUBSCRIPTIONS_CLIENT_SECRET: '' } },
    { name: 'AGENT_CLIENT_SECRET', change: { AGENT_CLIENT_SECRET: '' } },
    {
      name: 'UPSTREAM_ISSUER',
      change: {
        UPSTREAM_ISSUER: 'http://id.example',
        UPSTREAM_CLIENT_ID: 'behalf',
        UPSTREAM_CLIENT_SECRET: 'a generated secret 8',
      },
    },
    { name: 'CLIENT_METADATA_DOCUMENTS', change: { CLIENT_METADATA_DOCUMENTS: 'app.example,localhost' } },
    { name: 'MACHINE_CLIENT_SECRET', change: { DEMO_DATA: 'on' } },
    { name: 'KEY_ENCRYPTION_KEY', change: { KEY_ENCRYPTION_KEY: '' } },
    { name: 'KEY_ENCRYPTION_KEY', change: { KEY_ENCRYPTION_KEY: KEY.replace('2026', 'development') } },
    { name: 'COOKIE_KEYS', change: { COOKIE_KEYS: 'keyboard cat' } },
    { name: 'API1_CLIENT_SECRET can be guessed', change: { API1_CLIENT_SECRET: 'x' } },
    { name: 'API1_CLIENT_SECRET can be guessed', change: { API1_CLIENT_SECRET: 'a'.repeat(43) } },
    {
      name: "API2_CLIENT_SECRET is another client's",
      change: { API2_CLIENT_SECRET: 'a generated secret 1' },
    },
    {
      name: 'KEY_ENCRYPTION_KEY can be guessed',
      change: { KEY_ENCRYPTION_KEY: `2026:${Buffer.alloc(32).toString('base64')}` },
    },
    { name: 'COOKIE_KEYS can be guessed', change: { COOKIE_KEYS: 'a'.repeat(32) } },
    { name: 'API1_RESOURCE', change: { API1_RESOURCE: 'http://localhost:4001' } },
    { name: 'API2_RESOURCE', change: { API2_RESOURCE: 'http://api2.example', ALLOW_INSECURE_HTTP: 'on' } },
    { name: 'SUBSCRIPTIONS_RESOURCE', change: { SUBSCRIPTIONS_RESOURCE: '' } },
    { name: 'API1_URL', change: { API1_URL: 'http://api1.example' } },
    { name: 'API2_URL', change: { API2_URL: 'http://api2.example' } },
    { name: 'SUBSCRIPTIONS_URL', change: { SUBSCRIPTIONS_URL: 'http://subscriptions.example' } },
    { name: 'WEB_URL', change: { WEB_URL: 'http://localhost:5173' } },
    { name: 'NODE_ENV', change: { NODE_ENV: '' } },
    { name: 'DATABASE_URL', change: { DATABASE_URL: 'postgres://db.example/x?sslmode=disable' } },
    { name: 'ISSUER', change: { ISSUER: 'http://sts.example' } },
    { name: 'ISSUER', change: { ISSUER: 'http://sts.example', ALLOW_INSECURE_HTTP: 'on' } },
    { name: 'ISSUER', change: { ISSUER: '' } },
    { name: 'NODE_TLS_REJECT_UNAUTHORIZED', change: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } },
    { name: 'WEB_URL', change: { WEB_URL: 'http://web.example' } },
    { name: 'WEB_URL', change: { WEB_URL: 'http://web.example', ALLOW_INSECURE_HTTP: 'on' } },
  ];
  test.each(unsafe)('refuses to start: $name with $change', ({ name, change }) => {
    expect(faultsOf({ ...PRODUCTION, ...change })).toContain(name);
  });

  test('names every unsafe setting at once', () => {
    const faults = faultsOf({ NODE_ENV: 'production' });
    for (const { name } of unsafe.filter(
      ({ name: one }) => !/COOKIE|DOCUMENTS|UPSTREAM|MACHINE|TLS|NODE_ENV|guessed|another|_URL/.test(one),
    )) {
      expect(faults).toContain(name);
    }
  });

  test('plain http on localhost needs an explicit setting', () => {
    const localhost = { ...PRODUCTION, ISSUER: 'http://localhost:4000' };
    expect(faultsOf(localhost)).toContain('ALLOW_INSECURE_HTTP');
    expect(faultsOf({ ...localhost, ALLOW_INSECURE_HTTP: 'on' })).toBe('');
  });
});

test('takes UPSTREAM_ISSUER together with the client there, and not alone', () => {
  expect(() => loadConfig({ UPSTREAM_ISSUER: 'https://id.example' })).toThrow('come together');
  expect(loadConfig({}).upstream).toBeUndefined();
});

test.each([
  ['on', { hosts: undefined }],
  ['off', undefined],
  ['App.example, other.example', { hosts: ['app.example', 'other.example'] }],
])('CLIENT_METADATA_DOCUMENTS=%s permits %o', (value, expected) => {
  expect(loadConfig({ CLIENT_METADATA_DOCUMENTS: value }).clientDocuments).toEqual(expected);
});

test.each(['https://app.example', 'app.example/x', 'a b'])(
  'CLIENT_METADATA_DOCUMENTS=%s is refused',
  (value) => {
    expect(() => loadConfig({ CLIENT_METADATA_DOCUMENTS: value })).toThrow('a list of hosts');
  },
);
