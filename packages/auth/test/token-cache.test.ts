import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createDelegationClient,
  type DelegationClient,
  type DelegationClientOptions,
} from '../src/delegation-client.ts';
import { createTestIssuer, type TestAnswer, type TestIssuerServer } from '../src/testing.ts';
import { createTokenCache, type DelegatedToken } from '../src/token-cache.ts';
import { digestOf } from '../src/verifier.ts';

let now = 0;

const issuer = createTestIssuer({ now: () => now });

let server: TestIssuerServer;

let client: DelegationClient;

let count: number;

const create = (options: Partial<DelegationClientOptions> = {}) =>
  createDelegationClient({
    issuer: issuer.issuer,
    address: server.address,
    clientId: 'api1.client',
    clientSecret: 'a secret',
    now: () => now,
    ...options,
  });

beforeEach(async () => {
  now = 1_800_000_000;
  count = 0;
  server = await issuer.listen();
  server.onToken(() => issued(`token-${(count += 1)}`));
  client = create();
});

afterEach(() => server.close());

function issued(token: string, members: Record<string, unknown> = {}): TestAnswer {
  return {
    status: 200,
    body: { access_token: token, token_type: 'Bearer', expires_in: 300, scope: 'api2', ...members },
  };
}

const failure = (promise: Promise<unknown>) => expect(promise).rejects.toThrow('refused');

describe('the cache of a delegation client', () => {
  const user = (sid: string, sub = 'user-1') => issuer.mint({ sid, sub, jti: 'same' });

  it('sends one request for the same question, and one for many at the same time', async () => {
    const all = await Promise.all(
      Array.from({ length: 20 }, () => client.delegate({ token: 'T', scopes: ['api2'] })),
    );
    expect(new Set(all.map(({ accessToken }) => accessToken))).toEqual(new Set(['token-1']));
    expect(await client.delegate({ token: 'T', scopes: ['api2'] })).toBe(all[0]);
    expect(count).toBe(1);
  });

  it('shares nothing between questions that differ in anything', async () => {
    const questions = [
      () => client.delegate({ token: 'T' }),
      () => client.delegate({ token: 'U' }),
      () => client.delegate({ token: 'T', scopes: ['a'] }),
      () => client.delegate({ token: 'T', scopes: ['b'] }),
      () => client.delegate({ token: 'T', audience: 'a' }),
      () => client.delegate({ token: 'T', resource: 'a' }),
      () => client.translate({ token: 'T' }),
      () => client.exchange({ subjectToken: 'T' }),
      () => client.exchange({ subjectToken: 'T', actorToken: 'A' }),
      () => client.requestCustomGrant('g', { a: '1', b: '2' }),
      () => client.requestCustomGrant('g', { a: '1', b: '3' }),
      () => client.requestCustomGrant('g', { a: ['1', '2'] }),
      () => client.requestCustomGrant('g', { a: ['2', '1'] }),
      () => client.requestCustomGrant('g', { a: '1 2' }),
      () => client.requestCustomGrant('g', { 'a": "1': '2' }),
    ];
    const first = await Promise.all(questions.map((ask) => ask()));
    expect(new Set(first.map(({ accessToken }) => accessToken)).size).toBe(questions.length);
    const second = await Promise.all(questions.map((ask) => ask()));
    expect(second).toEqual(first);
  });

  it('does not mind the order of parameters', async () => {
    await client.requestCustomGrant('g', { a: '1', b: '2' });
    await client.requestCustomGrant('g', { b: '2', a: '1' });
    expect(count).toBe(1);
  });

  it('does not mind the order of scopes', async () => {
    await client.delegate({ token: 'T', scopes: ['a', 'b'] });
    await client.delegate({ token: 'T', scopes: ['b', 'a'] });
    expect(count).toBe(1);
    await client.exchange({ subjectToken: 'T', scopes: ['a', 'b'] });
    await client.exchange({ subjectToken: 'T', scopes: ['b', 'a'] });
    expect(count).toBe(2);
    await client.requestCustomGrant('g', { scope: 'a b' });
    await client.requestCustomGrant('g', { scope: 'b a' });
    expect(count).toBe(3);
  });

  it('finds the token of a caller by the digest that the verifier made', async () => {
    const token = await client.delegate({ token: 'T' });
    expect(await client.delegate({ token: { token: 'T', tokenDigest: digestOf('T') } })).toBe(token);
    await client.delegate({ token: { token: 'U', tokenDigest: digestOf('U') } });
    expect(count).toBe(2);
  });

  it('keeps nothing when the clock was set back', async () => {
    await client.delegate({ token: 'T' });
    now -= 5000;
    await client.delegate({ token: 'T' });
    expect(count).toBe(2);
    now += 4999;
    await client.delegate({ token: 'T' });
    expect(count).toBe(3);
  });

  it('keeps the newer token when an older request for it fails', async () => {
    const cache = createTokenCache({ now: () => now });
    const tags = { sessions: [], subjects: [] };
    const older = Promise.withResolvers<DelegatedToken>();
    expect(cache.find('key')).toBeUndefined();
    cache.add('key', tags, () => older.promise);
    now -= 1;
    const token = await client.delegate({ token: 'T' });
    expect(cache.find('key')).toBeUndefined();
    await cache.add('key', tags, () => Promise.resolve(token)).promise;
    older.reject(new Error('refused'));
    await expect(older.promise).rejects.toThrow('refused');
    expect(cache.find('key')?.from).toBe('cache');
  });

  it('keeps a token for 60 seconds, however long it lives', async () => {
    await client.delegate({ token: 'T' });
    now += 59;
    await client.delegate({ token: 'T' });
    expect(count).toBe(1);
    now += 1;
    await client.delegate({ token: 'T' });
    expect(count).toBe(2);
  });

  it('does not use a token in its last ten seconds', async () => {
    server.onToken(() => issued(`token-${(count += 1)}`, { expires_in: 30 }));
    await client.delegate({ token: 'T' });
    now += 19;
    await client.delegate({ token: 'T' });
    expect(count).toBe(1);
    now += 1;
    await client.delegate({ token: 'T' });
    expect(count).toBe(2);
  });

  it('keeps nothing whose end it does not know (RFC 6749 §5.1)', async () => {
    server.onToken(() => issued(`token-${(count += 1)}`, { expires_in: undefined }));
    await client.delegate({ token: 'T' });
    await client.delegate({ token: 'T' });
    expect(count).toBe(2);
  });

  it('keeps at most as many tokens as configured', async () => {
    const small = create({ maximumTokens: 2 });
    for (const token of ['a', 'b', 'c']) await small.delegate({ token });
    await small.delegate({ token: 'c' });
    expect(count).toBe(3);
    await small.delegate({ token: 'a' });
    expect(count).toBe(4);
  });

  it('does not keep a failure', async () => {
    server.onToken(() => ({ status: 400, body: { error: 'invalid_grant' } }));
    await Promise.all([failure(client.delegate({ token: 'T' })), failure(client.delegate({ token: 'T' }))]);
    server.onToken(() => issued('later'));
    expect(await client.delegate({ token: 'T' })).toMatchObject({ accessToken: 'later' });
  });

  it('asks every time for a grant that is not to be cached', async () => {
    await client.requestCustomGrant('g', { otp: '1' }, { cache: false });
    await client.requestCustomGrant('g', { otp: '1' }, { cache: false });
    expect(count).toBe(2);
  });

  it('forgets what hangs from a session and keeps nothing for it any more', async () => {
    const request = { token: user('ended') };
    const other = { token: user('other') };
    await client.delegate(request);
    await client.exchange({ subjectToken: request.token });
    await client.delegate(other);
    client.forgetSession('ended');
    await client.delegate(other);
    expect(count).toBe(3);
    await client.delegate(request);
    await client.delegate(request);
    expect(count).toBe(5);
    now += 3600;
    await client.delegate(request);
    await client.delegate(request);
    expect(count).toBe(6);
  });

  it('forgets all sessions of a user', async () => {
    const token = user('one', 'leaving');
    await client.delegate({ token });
    client.forgetSubject('leaving');
    await client.delegate({ token });
    await client.delegate({ token });
    expect(count).toBe(3);
  });

  it('does not keep a token that was on its way when its session ended', async () => {
    const token = user('ending');
    server.onToken(() => {
      client.forgetSession('ending');
      return issued(`token-${(count += 1)}`);
    });
    await client.delegate({ token });
    await client.delegate({ token });
    expect(count).toBe(2);
  });
});
