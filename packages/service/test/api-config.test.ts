import { describe, expect, it } from 'vitest';
import { loadApiConfig } from '../src/api-config.ts';
import { type Environment, SettingsError } from '../src/settings.ts';

const load = (environment: Environment, isClient = true) =>
  loadApiConfig(
    { service: 'api9', port: 4009, isClient, calls: { api2: 4002 }, settings: {} },
    environment,
    (path) => `content of ${path}\n`,
  );

const PRODUCTION = {
  NODE_ENV: 'production',
  ISSUER: 'https://sts.example',
  API9_RESOURCE: 'https://api9.example',
  API2_RESOURCE: 'https://api2.example',
  API9_CLIENT_SECRET: 'nR2oVb7sQzT4xKd9',
};

function faultsOf(environment: Environment, isClient = true): readonly string[] {
  try {
    load(environment, isClient);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
}

describe('in development', () => {
  it('needs no variable, because names and addresses follow from the name', () => {
    expect(load({})).toMatchObject({
      service: 'api9',
      port: 4009,
      resource: 'http://localhost:4009',
      sts: { issuer: 'http://localhost:4000', address: 'http://localhost:4000', allowInsecureHttp: false },
      client: { clientId: 'api9.client', clientSecret: 'secret' },
      apis: { api2: { resource: 'http://localhost:4002', url: 'http://localhost:4002' } },
      database: {
        url: undefined,
        schema: 'api9',
        file: expect.stringMatching(/\/\.data\/api9\.db$/) as string,
      },
      experiments: true,
      demoData: true,
    });
  });

  it("reads the service's own variables, and never PORT or CLIENT_SECRET of another project", () => {
    const own = { API9_PORT: '1234', API9_CLIENT_ID: 'c', API9_CLIENT_SECRET_FILE: '/run/secret' };
    const foreign = { PORT: '9999', CLIENT_SECRET: 'foreign', RESOURCE: 'https://foreign.example' };
    expect(load({ ...own, ...foreign })).toMatchObject({
      port: 1234,
      resource: 'http://localhost:4009',
      client: { clientId: 'c', clientSecret: 'content of /run/secret' },
    });
  });

  it('tells identifiers and addresses apart', () => {
    const addresses = { STS_URL: 'http://sts:4000', API2_URL: 'http://api2:4002' };
    expect(
      load({ ...addresses, DATA_DIR: '/var/lib/behalf', API9_DATABASE_URL: 'postgres://own' }),
    ).toMatchObject({
      sts: { issuer: 'http://localhost:4000', address: 'http://sts:4000' },
      apis: { api2: { resource: 'http://localhost:4002', url: 'http://api2:4002' } },
      database: { url: 'postgres://own', file: '/var/lib/behalf/api9.db' },
    });
  });

  it('keeps identifiers as they are written, and calls them without the trailing slash (Discovery §4.3)', () => {
    const written = {
      ISSUER: 'https://sts.example/',
      API9_RESOURCE: 'https://api9.example/',
      API2_RESOURCE: 'https://api2.example/',
    };
    expect(load({ NODE_ENV: 'development', ...written })).toMatchObject({
      resource: 'https://api9.example/',
      sts: { issuer: 'https://sts.example/', address: 'https://sts.example' },
      apis: { api2: { resource: 'https://api2.example/', url: 'https://api2.example' } },
    });
  });

  it('names the variables of another project in one sentence each', () => {
    expect(
      faultsOf({ ISSUER: 'https://login.example', LOG_LEVEL: 'verbose', DATABASE_URL: 'mysql://x' }),
    ).toEqual([
      'NODE_ENV is missing: beside an https ISSUER it says production or development; else ISSUER is of another project',
      'LOG_LEVEL: is not a log level',
      'DATABASE_URL: is not a postgres:// URL',
    ]);
    expect(faultsOf({ NODE_USE_ENV_PROXY: '1', NO_PROXY: 'intranet.example' })).toEqual([
      'NO_PROXY lacks localhost: with NODE_USE_ENV_PROXY=1 a proxy would get the calls between the services',
    ]);
    expect(faultsOf({ NODE_USE_ENV_PROXY: '1', NO_PROXY: 'intranet.example, localhost' })).toEqual([]);
  });
});

describe('in production', () => {
  it('starts with safe settings, without experiments and demonstration data', () => {
    expect(load(PRODUCTION)).toMatchObject({ experiments: false, demoData: false });
    expect(load({ ...PRODUCTION, DEMO_DATA: 'on' }).demoData).toBe(true);
    const both = { EXPERIMENTS: 'on', EXPERIMENTS_IN_PRODUCTION: 'on' };
    expect(load({ ...PRODUCTION, ...both }).experiments).toBe(true);
  });

  it('refuses the settings of development, and names each', () => {
    const names = (isClient: boolean) =>
      faultsOf({ NODE_ENV: 'production', EXPERIMENTS: 'on' }, isClient).map((fault) => fault.split(' ')[0]);
    expect(names(true)).toEqual([
      'EXPERIMENTS',
      'ISSUER',
      'API9_RESOURCE',
      'API9_CLIENT_SECRET',
      'API2_RESOURCE',
    ]);
    expect(names(false)).not.toContain('API9_CLIENT_SECRET');
  });
});
