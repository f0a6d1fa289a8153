import express, { type RequestHandler } from 'express';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requireAccessToken, requireLiveToken } from '../src/express.ts';
import { createIntrospection, createLiveTokenCheck, type LiveTokenCheck } from '../src/live-token.ts';
import { TokenCheckUnavailableError } from '../src/outgoing.ts';
import { createTestIssuer, type TestIssuerServer } from '../src/testing.ts';
import { createAccessTokenVerifier } from '../src/verifier.ts';

const QUESTION = { sub: 's', jti: 'j', token: 't', tokenDigest: 'd', sessionId: undefined };

let now = 1_800_000_000;

const issuer = createTestIssuer({ now: () => now });

let server: TestIssuerServer;

let app: express.Express;

let live: LiveTokenCheck;

beforeEach(async () => {
  server = await issuer.listen();
  const { audience } = issuer;
  const verifier = createAccessTokenVerifier({
    issuer: issuer.issuer,
    audience,
    jwks: issuer.jwks(),
    now: () => now,
  });
  const introspect = createIntrospection({
    issuer: issuer.issuer,
    address: server.address,
    clientId: 'api2.client',
    clientSecret: 'a secret',
  });
  live = createLiveTokenCheck({ introspect, cacheSeconds: 5, now: () => now });
  const ok: RequestHandler = (_req, res) => void res.json({ ok: true });
  app = express();
  app.use(requireAccessToken(verifier), requireLiveToken(live));
  app.get('/', ok);
  app.post('/', ok);
});

afterEach(() => server.close());

const read = (jwt: string) => request(app).get('/').set('Authorization', `Bearer ${jwt}`);

const write = (jwt: string) => request(app).post('/').set('Authorization', `Bearer ${jwt}`);

const asked = () => server.requests.filter((path) => path === '/connect/introspect').length;

describe('requireLiveToken', () => {
  it('asks the issuer as the client of the API (RFC 7662 §2.1)', async () => {
    const jwt = issuer.mint();
    const forms: Record<string, string>[] = [];
    server.onIntrospection((form) => {
      forms.push(Object.fromEntries(form));
      return { status: 200, body: { active: false } };
    });
    await write(jwt).expect(401);
    expect(forms).toEqual([
      { token: jwt, token_type_hint: 'access_token', client_id: 'api2.client', client_secret: 'a secret' },
    ]);
  });

  it('answers 401 invalid_token to a token that is no longer active', async () => {
    server.onIntrospection(() => ({ status: 200, body: { active: false } }));
    const answer = await write(issuer.mint()).expect(401);
    expect(answer.headers['www-authenticate']).toMatch(/error="invalid_token".*resource_metadata=/);
  });

  it('asks anew for every write', async () => {
    const jwt = issuer.mint();
    await read(jwt).expect(200);
    await write(jwt).expect(200);
    await write(jwt).expect(200);
    expect(asked()).toBe(3);
    server.onIntrospection(() => ({ status: 200, body: { active: false } }));
    await write(jwt).expect(401);
    await read(jwt).expect(401);
  });

  it('may rely on an earlier answer for reads, for a short while', async () => {
    const jwt = issuer.mint();
    await read(jwt).expect(200);
    await read(jwt).expect(200);
    expect(asked()).toBe(1);
    now += 5;
    await read(jwt).expect(200);
    expect(asked()).toBe(2);
  });

  it('relies on no answer when the clock was set back', async () => {
    const jwt = issuer.mint();
    await read(jwt).expect(200);
    now -= 5;
    await read(jwt).expect(200);
    expect(asked()).toBe(2);
  });

  it('relies on no answer past the end of its token (RFC 7662 §4)', async () => {
    const jwt = issuer.mint({ exp: now + 2 });
    await read(jwt).expect(200);
    now += 1;
    await read(jwt).expect(200);
    expect(asked()).toBe(1);
    now += 1;
    await read(jwt).expect(200);
    expect(asked()).toBe(2);
  });

  it('relies on nothing for a session that has ended', async () => {
    const jwt = issuer.mint({ sid: 'ended' });
    const before = await read(jwt);
    live.forgetSession('ended');
    server.onIntrospection(() => ({ status: 200, body: { active: false } }));
    expect([before.status, (await read(jwt)).status]).toEqual([200, 401]);
  });

  it('relies on nothing for a user whose every session has ended', async () => {
    const [ended, other] = [issuer.mint({ sub: 'ended' }), issuer.mint({ sub: 'other' })];
    for (const jwt of [ended, other]) await read(jwt).expect(200);
    const before = asked();
    live.forgetSubject('ended');
    for (const jwt of [ended, other]) await read(jwt).expect(200);
    expect(asked() - before).toBe(1);
  });

  it('does not remember an answer during which its session ended', async () => {
    const jwt = issuer.mint({ jti: 'j' });
    server.onIntrospection(() => {
      live.forgetSession('session-1');
      return { status: 200, body: { active: true, sub: 'user-1', jti: 'j' } };
    });
    await read(jwt).expect(200);
    await read(jwt).expect(200);
    expect(asked()).toBe(2);
  });

  it.each([
    ['another token', { active: true, sub: 'user-1', jti: 'another' }],
    ['another user', { active: true, sub: 'user-2', jti: 'j' }],
    ['nothing in particular', { active: true }],
  ])('answers 503 when the issuer speaks of %s', async (_, body) => {
    server.onIntrospection(() => ({ status: 200, body }));
    expect(await write(issuer.mint({ jti: 'j' }))).toMatchObject({ status: 503 });
  });

  it('is not satisfied by anything but active: true (RFC 7662 §2.2)', async () => {
    for (const active of ['true', 1, {}, undefined]) {
      const lenient = createLiveTokenCheck({
        introspect: () => Promise.resolve({ active, sub: 's', jti: 'j' }),
      });
      expect(await lenient.isLive(QUESTION, { fresh: true })).toBe(false);
    }
  });

  it('is unavailable when asking fails in any way', async () => {
    const broken = createLiveTokenCheck({ introspect: () => Promise.reject(new Error('no')) });
    await expect(broken.isLive(QUESTION, { fresh: true })).rejects.toThrow(TokenCheckUnavailableError);
  });

  it('is unavailable, not false, when no answer comes in time', async () => {
    server.failWith('hang');
    const introspect = createIntrospection({
      issuer: issuer.issuer,
      address: server.address,
      clientId: 'api2.client',
      clientSecret: 'a secret',
      timeoutMs: 50,
    });
    await expect(introspect(issuer.mint())).rejects.toThrow(TokenCheckUnavailableError);
  });

  it.each([
    ['an error', { status: 500, body: {}, headers: { 'retry-after': '3' } }],
    ['a refusal of the API itself', { status: 401, body: { error: 'invalid_client' } }],
    ['no JSON', { status: 200, body: 'yes' }],
    ['active as text', { status: 200, body: { active: 'true' } }],
    ['a cut connection', 'cut'],
  ] as const)('answers 503 with Retry-After to %s, never 200 and never 401', async (_, failure) => {
    server.failWith(failure);
    const answer = await write(issuer.mint()).expect(503);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(answer.body).toMatchObject({ type: 'https://behalf.example/problems/token-check-unavailable' });
  });
});
