import { SettingsError } from '@behalf/service';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.ts';

const PRODUCTION = { NODE_ENV: 'production', ISSUER: 'https://sts.example', API2_CLIENT_SECRET: 'generated' };

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    loadConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
}

describe('loadConfig', () => {
  it('needs no variable in development', () => {
    expect(loadConfig({})).toMatchObject({
      port: 4002,
      issuer: 'http://localhost:4000',
      resource: 'http://localhost:4002',
      actor: 'api1.client',
      client: { id: 'api2.client', secret: 'secret' },
      databaseUrl: undefined,
      demoData: true,
    });
  });

  it('keeps its data in the folder that DATA_DIR names, or in the database of DATABASE_URL', () => {
    expect(loadConfig({ DATA_DIR: '/var/lib/behalf' }).databaseFile).toBe('/var/lib/behalf/api2.db');
    expect(
      loadConfig({ DATABASE_URL: 'postgres://all', API2_DATABASE_URL: 'postgres://own' }).databaseUrl,
    ).toBe('postgres://own');
    expect(faultsOf({ DATABASE_URL: 'mysql://x' })).toEqual(['DATABASE_URL: is not a postgres:// URL']);
  });

  it('has demonstration data in production only by an explicit setting', () => {
    expect(loadConfig(PRODUCTION).demoData).toBe(false);
    expect(loadConfig({ ...PRODUCTION, DEMO_DATA: 'on' }).demoData).toBe(true);
  });

  it('takes no certificate unchecked in production (RFC 6750 §5.3)', () => {
    expect(faultsOf({ ...PRODUCTION, NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toEqual([
      'NODE_TLS_REJECT_UNAUTHORIZED=0 lets anybody pass for any service',
    ]);
  });

  it('refuses in production what is for development, naming each', () => {
    expect(faultsOf({ NODE_ENV: 'production' })).toEqual([
      'API2_CLIENT_SECRET is the development secret',
      'ISSUER is not https (ALLOW_INSECURE_HTTP=on permits that on localhost)',
    ]);
  });

  it('has the route for experiments in development, and in production only by a second, explicit setting', () => {
    expect(loadConfig({}).experiments).toBe(true);
    expect(loadConfig(PRODUCTION).experiments).toBe(false);
    expect(faultsOf({ ...PRODUCTION, EXPERIMENTS: 'on' })).toEqual([
      'EXPERIMENTS is on (EXPERIMENTS_IN_PRODUCTION=on permits that)',
    ]);
    const both = { ...PRODUCTION, EXPERIMENTS: 'on', EXPERIMENTS_IN_PRODUCTION: 'on' };
    expect(loadConfig(both).experiments).toBe(true);
  });
});
