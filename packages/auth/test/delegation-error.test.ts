import express from 'express';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDelegationClient, type DelegationClient } from '../src/delegation-client.ts';
import { DelegationError } from '../src/delegation-error.ts';
import { authOf, delegationProblems, requireAccessToken } from '../src/express.ts';
import { createTestIssuer, type TestAnswer, type TestIssuerServer } from '../src/testing.ts';
import { createAccessTokenVerifier } from '../src/verifier.ts';

const issuer = createTestIssuer();

let server: TestIssuerServer;

let client: DelegationClient;

beforeEach(async () => {
  server = await issuer.listen();
  client = create();
});

const create = (timeoutMs?: number) =>
  createDelegationClient({
    issuer: issuer.issuer,
    address: server.address,
    clientId: 'api1.client',
    clientSecret: 'a secret',
    timeoutMs,
  });

afterEach(() => server.close());

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error('it was granted');
    },
    (error: unknown) => error as DelegationError,
  );

describe('a DelegationError', () => {
  it.each(['subject_token', 'policy', 'subscription'])('carry the reason %s', async (reason) => {
    const body = { error: 'invalid_grant', error_description: 'no', reason };
    server.onToken(() => ({ status: 400, body }));
    expect(await failure(client.delegate({ token: 'T' }))).toMatchObject({
      kind: 'refused',
      status: 400,
      error: 'invalid_grant',
      description: 'no',
      reason,
    });
  });

  it('leave out a reason that nobody knows', async () => {
    server.onToken(() => ({ status: 400, body: { error: 'invalid_scope', reason: 'mood' } }));
    expect(await failure(client.delegate({ token: 'T' }))).toMatchObject({
      kind: 'refused',
      reason: undefined,
    });
  });

  it('say that the client itself was refused, challenge or not (RFC 6749 §5.2)', async () => {
    server.onToken(() => ({
      status: 401,
      body: { error: 'invalid_client' },
      headers: { 'www-authenticate': 'Basic realm="x"' },
    }));
    expect(await failure(client.delegate({ token: 'T' }))).toMatchObject({
      kind: 'refused',
      status: 401,
      error: 'invalid_client',
    });
  });

  it.each<[string, TestAnswer | 'cut', Partial<DelegationError>]>([
    [
      '503 temporarily_unavailable',
      {
        status: 503,
        body: { error: 'temporarily_unavailable', error_description: 'busy' },
        headers: { 'retry-after': '7' },
      },
      { retryAfterSeconds: 7, error: 'temporarily_unavailable', description: 'busy' },
    ],
    [
      '500 server_error',
      { status: 500, body: { error: 'server_error' } },
      { status: 500, error: 'server_error' },
    ],
    [
      '503 until a date (RFC 9110 §10.2.3)',
      {
        status: 503,
        body: {},
        headers: { 'retry-after': new Date((issuer.now() + 3600) * 1000).toUTCString() },
      },
      { retryAfterSeconds: 300 },
    ],
    ['502 in HTML', { status: 502, body: '<html>' }, { status: 502, retryAfterSeconds: 5 }],
    [
      '429',
      { status: 429, body: { error: 'slow_down' }, headers: { 'retry-after': '99999' } },
      { status: 429, retryAfterSeconds: 300 },
    ],
    [
      '400 temporarily_unavailable',
      { status: 400, body: { error: 'temporarily_unavailable' } },
      { error: 'temporarily_unavailable' },
    ],
    ['400 without a code', { status: 400, body: '{}' }, {}],
    ['404', { status: 404, body: 'nothing here' }, {}],
    ['a redirect', { status: 302, body: '', headers: { location: '/elsewhere' } }, {}],
    ['200 without a token', { status: 200, body: {} }, {}],
    ['200 that is no JSON', { status: 200, body: 'ok' }, {}],
    ['an answer that is too large', { status: 200, body: 'x'.repeat(300_000) }, {}],
    ['a connection that is cut', 'cut', {}],
  ])('are unavailability for %s', async (_, answer, expected) => {
    await client.delegate({ token: issuer.mint() });
    server.failWith(answer);
    const error = await failure(client.delegate({ token: 'T' }));
    expect(error).toBeInstanceOf(DelegationError);
    expect(error).toMatchObject({ kind: 'unavailable', ...expected });
  });

  it('are unavailability when no answer comes in time', async () => {
    server.failWith('hang');
    expect(await failure(create(50).delegate({ token: 'T' }))).toMatchObject({ kind: 'unavailable' });
  });

  it('carry neither the token nor the secret in their message', async () => {
    server.onToken(() => ({ status: 400, body: { error: 'invalid_grant', error_description: 'no' } }));
    const error = await failure(client.delegate({ token: 'the-user-token' }));
    expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toMatch(/the-user-token|a secret/);
  });
});

describe('what a middle tier answers (delegationProblems)', () => {
  const PROBLEMS = 'https://behalf.example/problems/';

  function call() {
    const verifier = createAccessTokenVerifier({
      issuer: issuer.issuer,
      audience: issuer.audience,
      jwks: issuer.jwks(),
    });
    const app = express();
    app.get('/', requireAccessToken(verifier), async (req, res) => {
      await client.delegate({ token: authOf(req).token });
      res.json({});
    });
    app.use(delegationProblems());
    return request(app).get('/').set('Authorization', `Bearer ${issuer.mint()}`);
  }

  it.each([
    ['subject_token', 401, 'invalid-token', 'invalid_token'],
    ['policy', 403, 'delegation-refused', 'insufficient_scope'],
    ['subscription', 403, 'delegation-refused', 'insufficient_scope'],
  ])('for %s is %i', async (reason, status, type, code) => {
    server.onToken(() => ({
      status: 400,
      body: { error: 'invalid_grant', error_description: 'no more', reason },
    }));
    const answer = await call().expect(status);
    expect(answer.body).toMatchObject({ type: PROBLEMS + type, status, reason });
    expect(`${answer.text} ${answer.headers['www-authenticate']}`).not.toContain('no more');
    expect(answer.headers['www-authenticate']).toMatch(
      new RegExp(`^Bearer error="${code}".*resource_metadata=`),
    );
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('for an unreachable authorization server is 503 with Retry-After', async () => {
    server.failWith('cut');
    const answer = await call().expect(503);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.body).toMatchObject({ type: `${PROBLEMS}delegation-unavailable` });
  });

  it('for a refusal of its own credentials is 502, and says nothing of them', async () => {
    server.onToken(() => ({
      status: 401,
      body: { error: 'invalid_client', error_description: 'wrong secret' },
    }));
    const answer = await call().expect(502);
    expect(answer.body).toMatchObject({ type: `${PROBLEMS}delegation-failed` });
    expect(answer.text).not.toContain('secret');
  });
});
