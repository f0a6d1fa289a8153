import { describe, expect, it } from 'vitest';
import { isWeakSecret, refuseInProduction, unsafeSettings } from '../src/production.ts';

const SECRET = 'nR2oVb7sQzT4xKd9';

const SAFE = {
  ISSUER: 'https://sts.example',
  API1_RESOURCE: 'https://api1.example',
  WEB_URL: 'https://web.example',
  API2_URL: 'https://api2.internal.example',
  DATABASE_URL: 'postgres://user@db.example/behalf?sslmode=verify-full',
  API1_CLIENT_SECRET: SECRET,
  ALLOW_INSECURE_HTTP: false,
};

const faultsOf = (changes: Readonly<Record<string, unknown>>, publicUrls: readonly string[] = []) =>
  Object.entries(unsafeSettings({ ...SAFE, ...changes }, publicUrls)).flatMap(([fault, isUnsafe]) =>
    isUnsafe ? [fault] : [],
  );

describe('unsafeSettings', () => {
  it('finds no fault in https, a checked database and generated secrets', () => {
    expect(faultsOf({})).toEqual([]);
  });

  const NOT_HTTPS = 'is not https (ALLOW_INSECURE_HTTP=on permits that on localhost)';
  const ELSEWHERE = 'is plain http to another machine (ALLOW_INSECURE_HTTP=on permits that)';
  const NO_SSLMODE = 'has no sslmode that checks the server (ALLOW_INSECURE_HTTP=on permits that)';
  const HTTP = { ALLOW_INSECURE_HTTP: true };

  it.each<[string, Record<string, unknown>, string[]]>([
    ['a plain-http issuer', { ISSUER: 'http://sts.example' }, [`ISSUER ${NOT_HTTPS}`]],
    ['a plain-http issuer, however it is written', { ISSUER: 'HTTP://sts.example' }, [`ISSUER ${NOT_HTTPS}`]],
    ['a plain-http issuer elsewhere', { ISSUER: 'http://sts.example', ...HTTP }, [`ISSUER ${NOT_HTTPS}`]],
    [
      'an identifier on localhost',
      { API1_RESOURCE: 'http://localhost:4001' },
      [`API1_RESOURCE ${NOT_HTTPS}`],
    ],
    ['a plain-http client', { WEB_URL: 'http://web.example', ...HTTP }, [`WEB_URL ${NOT_HTTPS}`]],
    ['a plain-http address', { API2_URL: 'http://api2.example' }, [`API2_URL ${ELSEWHERE}`]],
    [
      'a name under localhost, which resolvers may ask the network for',
      { API2_URL: 'http://api2.localhost:4002' },
      [`API2_URL ${ELSEWHERE}`],
    ],
    [
      'a shared channel without TLS',
      { REDIS_URL: 'redis://redis.example' },
      ['REDIS_URL is not rediss: to another machine (ALLOW_INSECURE_HTTP=on permits that)'],
    ],
    ['a database without TLS', { DATABASE_URL: 'postgres://db.example/x' }, [`DATABASE_URL ${NO_SSLMODE}`]],
    [
      'a database with TLS switched off',
      { DATABASE_URL: 'postgres://db.example/x?sslmode=disable' },
      [`DATABASE_URL ${NO_SSLMODE}`],
    ],
    [
      'a database that is not checked',
      { DATABASE_URL: 'postgres://db.example/x?sslmode=no-verify' },
      [`DATABASE_URL ${NO_SSLMODE}`],
    ],
    [
      'a development secret',
      { API1_CLIENT_SECRET: 'secret' },
      ['API1_CLIENT_SECRET is the development secret'],
    ],
    [
      'a short secret',
      { API1_CLIENT_SECRET: 'x' },
      ['API1_CLIENT_SECRET can be guessed: it wants 16 random characters or more'],
    ],
    [
      'a secret of one letter',
      { API1_CLIENT_SECRET: 'a'.repeat(40) },
      ['API1_CLIENT_SECRET can be guessed: it wants 16 random characters or more'],
    ],
    [
      'two equal secrets',
      { API2_CLIENT_SECRET: SECRET },
      ["API2_CLIENT_SECRET is another client's secret, too"],
    ],
    [
      'unchecked certificates',
      { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      ['NODE_TLS_REJECT_UNAUTHORIZED=0 lets anybody pass for any service'],
    ],
    [
      'experiments by one setting',
      { EXPERIMENTS: true },
      ['EXPERIMENTS is on (EXPERIMENTS_IN_PRODUCTION=on permits that)'],
    ],
  ])('names %s', (_what, changes, faults) => {
    expect(faultsOf(changes)).toEqual(faults);
  });

  it.each<[string, Record<string, unknown>]>([
    ['an address on this machine', { API2_URL: 'http://127.0.0.1:4002' }],
    ['a database on this machine', { DATABASE_URL: 'postgres://localhost/x' }],
    ['a database behind a socket', { DATABASE_URL: 'postgres:///x?host=/run/postgresql' }],
    ['localhost with the explicit setting', { ISSUER: 'http://localhost:4000', ...HTTP }],
    ['plain http inside with the explicit setting', { API2_URL: 'http://api2:4002', ...HTTP }],
    ['a database inside with the explicit setting', { DATABASE_URL: 'postgres://db/x', ...HTTP }],
    ['experiments by two settings', { EXPERIMENTS: true, EXPERIMENTS_IN_PRODUCTION: true }],
  ])('permits %s', (_what, changes) => {
    expect(faultsOf(changes)).toEqual([]);
  });

  it('takes an address that browsers use for an identifier', () => {
    expect(faultsOf({ API2_URL: 'http://localhost:4002' }, ['API2_URL'])).toEqual([`API2_URL ${NOT_HTTPS}`]);
  });
});

describe('refuseInProduction', () => {
  it('throws every fault at once, and in production alone', () => {
    const checks = { 'one fault': true, 'no fault': false, 'another fault': true };
    expect(() => refuseInProduction('production', checks)).toThrow(/one fault\n {2}another fault$/);
    expect(() => refuseInProduction('development', checks)).not.toThrow();
  });
});

it.each([
  ['fifteen-letters', true],
  ['abababababababababab', true],
  [SECRET, false],
  ['0123456789abcdef0123456789abcdef', false],
])('isWeakSecret(%j) is %s', (secret, isWeak) => {
  expect(isWeakSecret(secret)).toBe(isWeak);
});
