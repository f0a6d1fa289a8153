import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.ts';

const PRODUCTION = {
  NODE_ENV: 'production',
  ISSUER: 'https://sts.example',
  API2_RESOURCE: 'https://api2.example',
  SUBSCRIPTIONS_RESOURCE: 'https://subscriptions.example',
  API2_CLIENT_SECRET: 'nR2oVb7sQzT4xKd9',
};

describe('loadConfig', () => {
  it('needs no variable in development', () => {
    expect(loadConfig({})).toMatchObject({
      port: 4002,
      resource: 'http://localhost:4002',
      client: { clientId: 'api2.client', clientSecret: 'secret' },
      actors: ['api1.client'],
      accountActors: ['api1.client', 'agent.client'],
    });
  });

  it('reads the clients that may act, and those that may read accounts besides, from lists', () => {
    const { actors, accountActors } = loadConfig({
      API2_ACTORS: 'one, two',
      API2_ACCOUNT_READERS: 'three,four',
    });
    expect(actors).toEqual(['one', 'two']);
    expect(accountActors).toEqual(['one', 'two', 'three', 'four']);
  });

  it.each([
    ['API2_CLIENT_SECRET', { API2_CLIENT_SECRET: '' }],
    ['SUBSCRIPTIONS_URL', { SUBSCRIPTIONS_URL: 'http://subscriptions.example' }],
    ['DATABASE_URL', { DATABASE_URL: 'postgres://db.example/x?sslmode=disable' }],
    ['NODE_TLS_REJECT_UNAUTHORIZED', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
  ])('does not start in production on an unsafe %s', (name, change) => {
    expect(loadConfig(PRODUCTION)).toMatchObject({ demoData: false });
    expect(() => loadConfig({ ...PRODUCTION, ...change })).toThrow(name);
  });
});
