import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.ts';

describe('loadConfig', () => {
  it('needs no variable in development', () => {
    expect(loadConfig({})).toMatchObject({
      port: 4003,
      issuer: 'http://localhost:4000',
      stsUrl: 'http://localhost:4000',
      resource: 'http://localhost:4003',
      databaseUrl: undefined,
      demoData: true,
    });
  });

  it('refuses an http issuer in production, and has no demonstration data there', () => {
    const production = { NODE_ENV: 'production' };
    expect(() => loadConfig(production)).toThrow('ISSUER is not https');
    expect(loadConfig({ ...production, ISSUER: 'https://sts.example' })).toMatchObject({
      demoData: false,
    });
    const insecure = { ...production, ALLOW_INSECURE_HTTP: 'on' };
    expect(() => loadConfig({ ...insecure, ISSUER: 'http://sts.example' })).toThrow('ISSUER is not https');
    expect(loadConfig(insecure)).toMatchObject({
      allowInsecureHttp: true,
    });
  });

  it('takes no certificate unchecked in production (RFC 6750 §5.3)', () => {
    const unchecked = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    expect(loadConfig(unchecked)).toMatchObject({ port: 4003 });
    const production = { NODE_ENV: 'production', ISSUER: 'https://sts.example' };
    expect(() => loadConfig({ ...production, ...unchecked })).toThrow('NODE_TLS_REJECT_UNAUTHORIZED');
  });

  it('tells identifiers and addresses apart', () => {
    expect(loadConfig({ ISSUER: 'https://sts.example', STS_URL: 'http://sts:4000' })).toMatchObject({
      issuer: 'https://sts.example',
      stsUrl: 'http://sts:4000',
    });
  });
});
