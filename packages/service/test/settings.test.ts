import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  addressSetting,
  type Environment,
  identifierSetting,
  listenHosts,
  loadSettings,
  nodeEnvironmentSetting,
  portSetting,
  SettingsError,
  switchSetting,
} from '../src/settings.ts';

const schema = z.object({
  API1_PORT: portSetting(4001),
  API1_CLIENT_SECRET: z.string().min(6, 'is too short').default('secret'),
  ISSUER: identifierSetting('http://localhost:4000'),
  STS_URL: addressSetting('http://sts:4000'),
  DATABASE_URL: z.string().optional(),
  EXPERIMENTS: switchSetting(true),
});

const files: Record<string, string> = { '/run/secret': 'from-a-file\n', '/run/empty': '\n' };

function load(environment: Environment) {
  return loadSettings(schema, environment, {
    prefix: 'API1',
    readFile(path) {
      const content = files[path];
      if (content === undefined) throw new Error(`ENOENT ${path}`);
      return content;
    },
  });
}

function faultsOf(environment: Environment): readonly string[] {
  try {
    load(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
}

describe('loadSettings', () => {
  it('needs no variable at all, and the result is frozen', () => {
    const settings = load({});
    expect(settings).toEqual({
      API1_PORT: 4001,
      API1_CLIENT_SECRET: 'secret',
      ISSUER: 'http://localhost:4000',
      STS_URL: 'http://sts:4000',
      EXPERIMENTS: true,
    });
    expect(Object.isFrozen(settings)).toBe(true);
  });

  it('prefers the variable with the name of the service', () => {
    expect(load({ DATABASE_URL: 'postgres://all' }).DATABASE_URL).toBe('postgres://all');
    expect(load({ DATABASE_URL: 'postgres://all', API1_DATABASE_URL: 'postgres://one' }).DATABASE_URL).toBe(
      'postgres://one',
    );
  });

  it('reads a value from the file that NAME_FILE names, without its line break', () => {
    expect(load({ API1_CLIENT_SECRET_FILE: '/run/secret' }).API1_CLIENT_SECRET).toBe('from-a-file');
    expect(load({ API1_DATABASE_URL_FILE: '/run/secret', DATABASE_URL: 'x' }).DATABASE_URL).toBe(
      'from-a-file',
    );
  });

  it('takes an empty variable as absent', () => {
    expect(load({ API1_PORT: '', API1_CLIENT_SECRET: '' })).toMatchObject({
      API1_PORT: 4001,
      API1_CLIENT_SECRET: 'secret',
    });
  });

  it('keeps an identifier as it is written, and drops the trailing slash of an address (RFC 3986 §6.2.1)', () => {
    const written = 'https://sts.example/';
    expect(load({ ISSUER: written, STS_URL: written })).toMatchObject({
      ISSUER: written,
      STS_URL: 'https://sts.example',
    });
  });

  it('reports all faults at once, by the names of the variables', () => {
    expect(faultsOf({ API1_PORT: '65536', ISSUER: 'localhost:4000', EXPERIMENTS: 'yes' })).toEqual([
      'API1_PORT: is not a port number',
      'ISSUER: is not an absolute http(s) URL',
      'EXPERIMENTS: is neither "on" nor "off"',
    ]);
  });

  it.each<[string, Environment, string]>([
    ['port with letters', { API1_PORT: '40x1' }, 'API1_PORT: is not a port number'],
    ['issuer with a query', { ISSUER: 'https://a.example/?x=1' }, 'ISSUER: is not an absolute http(s) URL'],
    [
      'issuer with credentials',
      { ISSUER: 'https://a:b@a.example' },
      'ISSUER: is not an absolute http(s) URL',
    ],
    ['issuer of another scheme', { ISSUER: 'ftp://a.example' }, 'ISSUER: is not an absolute http(s) URL'],
    [
      'missing file',
      { API1_CLIENT_SECRET_FILE: '/run/none' },
      'API1_CLIENT_SECRET_FILE names a file that cannot be read',
    ],
    ['empty file', { API1_CLIENT_SECRET_FILE: '/run/empty' }, 'API1_CLIENT_SECRET_FILE names an empty file'],
    [
      'value and file at once',
      { API1_CLIENT_SECRET: 'value-one', API1_CLIENT_SECRET_FILE: '/run/secret' },
      'API1_CLIENT_SECRET_FILE and API1_CLIENT_SECRET are both set',
    ],
  ])('refuses a %s', (_what, environment, fault) => {
    expect(faultsOf(environment)).toEqual([fault]);
  });

  it('never shows a value in a fault', () => {
    expect(faultsOf({ API1_CLIENT_SECRET: 'short' })).toEqual(['API1_CLIENT_SECRET: is too short']);
  });
});

it.each([
  ['development', undefined, ['127.0.0.1', '::1']],
  ['development', '0.0.0.0', ['0.0.0.0']],
  ['production', undefined, undefined],
  ['production', '127.0.0.1', undefined],
] as const)('in %s with DEV_HOST=%s a service listens on %j', (NODE_ENV, DEV_HOST, hosts) => {
  expect(listenHosts({ NODE_ENV, DEV_HOST })).toEqual(hosts);
});

describe('nodeEnvironmentSetting', () => {
  it.each([
    [undefined, 'development'],
    ['development', 'development'],
    ['test', 'development'],
    ['production', 'production'],
  ])('reads %s as %s', (value, expected) => {
    expect(nodeEnvironmentSetting.parse(value)).toBe(expected);
  });

  it.each(['Production', 'PRODUCTION', 'production ', 'prod', 'staging', ''])(
    'refuses "%s" instead of taking it for development',
    (value) => {
      expect(nodeEnvironmentSetting.safeParse(value).success).toBe(false);
    },
  );
});
