import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.ts';

const PRODUCTION = {
  NODE_ENV: 'production',
  ISSUER: 'https://sts.example',
  SUBSCRIPTIONS_RESOURCE: 'https://subscriptions.example',
};

describe('loadConfig', () => {
  it('needs no variable in development', () => {
    expect(loadConfig({})).toMatchObject({ port: 4003, resource: 'http://localhost:4003', demoData: true });
  });

  it('starts in production without a client secret, because it is no client', () => {
    expect(loadConfig(PRODUCTION)).toMatchObject({ demoData: false });
    expect(() => loadConfig({ ...PRODUCTION, ISSUER: 'http://sts.example' })).toThrow('ISSUER is not https');
  });

  it('takes no certificate unchecked in production (RFC 6750 §5.3)', () => {
    const unchecked = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    expect(loadConfig(unchecked)).toMatchObject({ port: 4003 });
    expect(() => loadConfig({ ...PRODUCTION, ...unchecked })).toThrow('NODE_TLS_REJECT_UNAUTHORIZED');
  });
});
