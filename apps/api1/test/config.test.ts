import { SettingsError } from '@behalf/service';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.ts';

const PRODUCTION = { NODE_ENV: 'production', ISSUER: 'https://sts.example', API1_CLIENT_SECRET: 'generated' };

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
      port: 4001,
      issuer: 'http://localhost:4000',
      resource: 'http://localhost:4001',
      client: { id: 'api1.client', secret: 'secret' },
      api2: { resource: 'http://localhost:4002', url: 'http://localhost:4002' },
      webOrigin: 'http://localhost:5173',
      experiments: true,
    });
  });

  it('reads the secret from a file', () => {
    const config = loadConfig({ API1_CLIENT_SECRET_FILE: '/run/secrets/api1' }, () => 'from-a-file\n');
    expect(config.client.secret).toBe('from-a-file');
  });

  it('keeps exchanged tokens for a minute, or as long as it is told', () => {
    expect(loadConfig({}).tokenCacheSeconds).toBe(60);
    expect(loadConfig({ API1_TOKEN_CACHE_SECONDS: '0' }).tokenCacheSeconds).toBe(0);
    expect(faultsOf({ API1_TOKEN_CACHE_SECONDS: '-1' })).toEqual([
      'API1_TOKEN_CACHE_SECONDS: is not a number of seconds',
    ]);
  });

  it('starts in production with generated secrets, and without experiments', () => {
    expect(loadConfig(PRODUCTION)).toMatchObject({ experiments: false });
  });

  it('takes no certificate unchecked in production (RFC 6750 §5.3)', () => {
    expect(faultsOf({ ...PRODUCTION, NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toEqual([
      'NODE_TLS_REJECT_UNAUTHORIZED=0 lets anybody pass for any service',
    ]);
  });

  it('refuses in production what is for development, naming each', () => {
    expect(faultsOf({ NODE_ENV: 'production', EXPERIMENTS: 'on' })).toEqual([
      'API1_CLIENT_SECRET is the development secret',
      'ISSUER is not https (ALLOW_INSECURE_HTTP=on permits that on localhost)',
      'EXPERIMENTS is on (EXPERIMENTS_IN_PRODUCTION=on permits that)',
    ]);
  });

  it('refuses in production an issuer over plain http, however it is written', () => {
    expect(faultsOf({ ...PRODUCTION, ISSUER: 'HTTP://sts.example' })).toEqual([
      'ISSUER is not https (ALLOW_INSECURE_HTTP=on permits that on localhost)',
    ]);
  });

  it('has experiments in production only by a second, explicit setting', () => {
    expect(
      loadConfig({ ...PRODUCTION, EXPERIMENTS: 'on', EXPERIMENTS_IN_PRODUCTION: 'on' }).experiments,
    ).toBe(true);
    expect(loadConfig({ ...PRODUCTION, EXPERIMENTS_IN_PRODUCTION: 'on' }).experiments).toBe(false);
  });
});
