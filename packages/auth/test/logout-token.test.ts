import express, { type ErrorRequestHandler } from 'express';
import request from 'supertest';
import { beforeEach, describe, expect, it } from 'vitest';
import { backchannelLogout } from '../src/express.ts';
import { createStaticKeySet, type KeySet } from '../src/key-set.ts';
import type { Logout } from '../src/logout-token.ts';
import { TokenCheckUnavailableError } from '../src/outgoing.ts';
import { createTestIssuer } from '../src/testing.ts';
import { createSigningKey } from '../src/testing/test-issuer.ts';

const START = 1_800_000_000;

const CLIENT = 'api1.client';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

let now = START;

const issuer = createTestIssuer({ now: () => now });

let app: express.Express;

let logouts: Logout[];

let onLogout: (logout: Logout) => void;

function createApp(keySet: KeySet = createStaticKeySet(issuer.jwks())): express.Express {
  const created = express();
  const receiver = backchannelLogout({
    issuer: issuer.issuer,
    clientId: CLIENT,
    keySet,
    now: () => now,
    onLogout: (logout) => onLogout(logout),
  });
  created.post('/backchannel-logout', receiver);
  const lastResort: ErrorRequestHandler = (_error: unknown, _req, res, _next) => void res.status(500).end();
  return created.use(lastResort);
}

beforeEach(() => {
  now = START;
  logouts = [];
  onLogout = (logout) => void logouts.push(logout);
  app = createApp();
});

const send = (logoutToken: string, to = app) =>
  request(to).post('/backchannel-logout').type('form').send({ logout_token: logoutToken });

describe('backchannelLogout', () => {
  it('answers 200, not to be stored, and passes on whose logout it is (§2.8)', async () => {
    const answer = await send(issuer.mintLogoutToken(CLIENT)).expect(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(logouts).toEqual([{ sid: 'session-1', sub: 'user-1' }]);
  });

  it('takes sid without sub and sub without sid (§2.4)', async () => {
    await send(issuer.mintLogoutToken(CLIENT, { sub: undefined })).expect(200);
    await send(issuer.mintLogoutToken(CLIENT, { sid: undefined })).expect(200);
    expect(logouts).toEqual([
      { sid: 'session-1', sub: undefined },
      { sid: undefined, sub: 'user-1' },
    ]);
  });

  it('takes an audience in a list that names this client', async () => {
    expect(await send(issuer.mintLogoutToken(CLIENT, { aud: [CLIENT] }))).toMatchObject({ status: 200 });
  });

  it.each<[string, () => string]>([
    ['an ID token', () => issuer.mintLogoutToken(CLIENT, {}, { typ: 'JWT' })],
    ['an access token', () => issuer.mint({ aud: CLIENT, events: { [EVENT]: {} } })],
    ['no typ', () => issuer.mintLogoutToken(CLIENT, {}, { typ: undefined })],
    ['another algorithm', () => issuer.mintLogoutToken(CLIENT, {}, { alg: 'none' })],
    ['an unknown key', () => issuer.mintLogoutToken(CLIENT, {}, { kid: createSigningKey().kid })],
    ['a foreign signature', () => `${issuer.mintLogoutToken(CLIENT).slice(0, -8)}AAAAAAAA`],
    ['another issuer', () => issuer.mintLogoutToken(CLIENT, { iss: 'https://other.example' })],
    ['another audience', () => issuer.mintLogoutToken('api2.client')],
    ['no events', () => issuer.mintLogoutToken(CLIENT, { events: undefined })],
    ['another event', () => issuer.mintLogoutToken(CLIENT, { events: { 'http://other.example': {} } })],
    ['an event that is no object', () => issuer.mintLogoutToken(CLIENT, { events: { [EVENT]: true } })],
    ['events in a list', () => issuer.mintLogoutToken(CLIENT, { events: [EVENT] })],
    ['a nonce', () => issuer.mintLogoutToken(CLIENT, { nonce: 'n' })],
    ['no iat', () => issuer.mintLogoutToken(CLIENT, { iat: undefined })],
    ['an iat to come', () => issuer.mintLogoutToken(CLIENT, { iat: START + 60 })],
    ['no exp', () => issuer.mintLogoutToken(CLIENT, { exp: undefined })],
    ['an exp that has passed', () => issuer.mintLogoutToken(CLIENT, { exp: START - 60 })],
    ['no jti', () => issuer.mintLogoutToken(CLIENT, { jti: undefined })],
    ['a jti that is no text', () => issuer.mintLogoutToken(CLIENT, { jti: 7 })],
    ['neither sid nor sub', () => issuer.mintLogoutToken(CLIENT, { sid: undefined, sub: undefined })],
    ['a sid that is no text', () => issuer.mintLogoutToken(CLIENT, { sid: ['session-1'] })],
    ['too much in it', () => issuer.mintLogoutToken(CLIENT, { filler: 'x'.repeat(9000) })],
    ['nothing', () => 'x'],
  ])('answers 400 to a logout token with %s (§2.6)', async (_, mint) => {
    const answer = await send(mint()).expect(400);
    expect(answer.body).toMatchObject({ error: 'invalid_request' });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(logouts).toEqual([]);
  });

  it('takes each logout token once (§2.6)', async () => {
    const token = issuer.mintLogoutToken(CLIENT);
    await send(token).expect(200);
    await send(token).expect(400);
    expect(logouts).toHaveLength(1);
  });

  it('takes it again when acting on it failed', async () => {
    const token = issuer.mintLogoutToken(CLIENT);
    onLogout = () => {
      throw new Error('not now');
    };
    const failed = await send(token);
    onLogout = (logout) => void logouts.push(logout);
    expect([failed.status, (await send(token)).status]).toEqual([500, 200]);
    expect(logouts).toHaveLength(1);
  });

  it('answers 503 with Retry-After while the keys cannot be had', async () => {
    const unavailable = new TokenCheckUnavailableError('down', { retryAfterSeconds: 4 });
    const down = createApp({ find: () => Promise.reject(unavailable), version: () => undefined });
    const answer = await send(issuer.mintLogoutToken(CLIENT), down).expect(503);
    expect(answer.headers['retry-after']).toBe('4');
  });

  it('answers 400 to a form without exactly one logout_token, and to another kind of body', async () => {
    const token = issuer.mintLogoutToken(CLIENT);
    const post = () => request(app).post('/backchannel-logout');
    await post().type('form').send('').expect(400);
    await post().type('form').send(`logout_token=${token}&logout_token=${token}`).expect(400);
    await post().send({ logout_token: token }).expect(400);
    await post().expect(400);
    expect(logouts).toEqual([]);
  });

  it('answers 413 to a form that is too large', async () => {
    expect(await send('x'.repeat(20_000))).toMatchObject({ status: 413 });
  });
});
