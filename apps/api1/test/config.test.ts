import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.ts';

const PRODUCTION = {
  NODE_ENV: 'production',
  ISSUER: 'https://sts.example',
  API1_RESOURCE: 'https://api1.example',
  API2_RESOURCE: 'https://api2.example',
  WEB_URL: 'https://web.example',
  API1_CLIENT_SECRET: 'nR2oVb7sQzT4xKd9',
};

describe('loadConfig', () => {
  it('needs no variable in development', () => {
    expect(loadConfig({})).toMatchObject({
      port: 4001,
      resource: 'http://localhost:4001',
      client: { clientId: 'api1.client', clientSecret: 'secret' },
      apis: { api2: { resource: 'http://localhost:4002', url: 'http://localhost:4002' } },
      webOrigin: 'http://localhost:5173',
    });
  });

  it('keeps exchanged tokens for a minute, or as long as it is told', () => {
    expect(loadConfig({}).tokenCacheSeconds).toBe(60);
    expect(loadConfig({ API1_TOKEN_CACHE_SECONDS: '0' }).tokenCacheSeconds).toBe(0);
    expect(() => loadConfig({ API1_TOKEN_CACHE_SECONDS: '-1' })).toThrow(
      'API1_TOKEN_CACHE_SECONDS: is not a number of seconds',
    );
  });

  it.each([
    ['API1_CLIENT_SECRET', { API1_CLIENT_SECRET: '' }],
    ['API1_RESOURCE', { API1_RESOURCE: '' }],
    ['API2_URL', { API2_URL: 'http://api2.example' }],
    ['WEB_URL', { WEB_URL: '' }],
    ['NODE_TLS_REJECT_UNAUTHORIZED', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
    ['EXPERIMENTS', { EXPERIMENTS: 'on' }],
  ])('does not start in production on an unsafe %s', (name, change) => {
    expect(loadConfig(PRODUCTION)).toMatchObject({ webOrigin: 'https://web.example' });
    expect(() => loadConfig({ ...PRODUCTION, ...change })).toThrow(name);
  });
});
