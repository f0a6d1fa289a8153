import { badTokens } from '@behalf/auth/testing';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { issuer, METADATA, RESOURCE, SECRET, userToken, useTestApi1, WEB } from './support/api1.ts';

const api = useTestApi1();

const PATHS = [
  '/identity',
  '/accounts',
  '/payments',
  '/payments/pay_1',
  '/insights',
  '/chain',
  '/statistics',
  '/experiments/forwarded-token',
];

describe('who may call', () => {
  const bad = badTokens(issuer, { audience: RESOURCE }).filter(({ token }) => token.length < 16 * 1024);
  it.each(bad)('refuses $name ($section) on every route', async ({ token }) => {
    for (const path of PATHS) {
      const response = await api.get(path, token);
      expect([path, response.status, response.type]).toEqual([path, 401, 'application/problem+json']);
      expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
      expect(response.headers['www-authenticate']).toContain(`resource_metadata="${METADATA}"`);
    }
    expect(api.tokenRequests() + api.seen.length).toBe(0);
    expect(api.log.text()).not.toContain(token);
  });

  it.each(PATHS)(
    'wants a token at %s, without an error code when there was none (RFC 6750 §3.1)',
    async (path) => {
      const response = await request(api.app).get(path);
      expect([response.status, response.headers['www-authenticate']]).toEqual([
        401,
        `Bearer resource_metadata="${METADATA}"`,
      ]);
    },
  );

  it.each(PATHS)('refuses at %s a token without the scope api1', async (path) => {
    const response = await api.get(path, userToken({ scope: 'account' }));
    expect(response.status).toBe(403);
    expect(response.headers['www-authenticate']).toContain('error="insufficient_scope", scope="api1"');
  });

  it('takes no token from a query or a form (RFC 9700 §4.3.2)', async () => {
    const response = await request(api.app).get(`/identity?access_token=${userToken()}`);
    expect(response.status).toBe(401);
  });

  it('reads the token before the body', async () => {
    const anonymous = await request(api.app).post('/payments').set('Content-Type', 'text/plain').send('x');
    expect(anonymous.status).toBe(401);
    const known = (type: string, body: string) =>
      request(api.app)
        .post('/payments')
        .set({ Authorization: `Bearer ${userToken()}`, 'Content-Type': type })
        .send(body);
    expect((await known('text/plain', 'x')).status).toBe(415);
    expect((await known('application/json', '{')).status).toBe(400);
    expect((await known('application/json', JSON.stringify({ x: 'x'.repeat(20_000) }))).status).toBe(413);
    expect(api.seen).toEqual([]);
  });

  it('answers 503 while the keys of the STS cannot be had', async () => {
    api.sts.failWith('cut');
    const response = await api.get('/identity', userToken());
    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toMatch(/^\d+$/);
  });
});

describe('the service', () => {
  it('tells who calls, as it sees it, and never the token', async () => {
    const token = userToken();
    const response = await api.get('/identity', token);
    expect(response.body).toMatchObject({
      sub: 'user-1',
      client_id: 'web.client',
      scope: 'api1',
      aud: RESOURCE,
    });
    expect(response.text).not.toContain(token.split('.')[2]);
  });

  it('lets the pages of the web client call, and no others', async () => {
    const preflight = (origin: string) =>
      request(api.app).options('/payments').set({ Origin: origin, 'Access-Control-Request-Method': 'POST' });
    expect((await preflight(WEB)).headers).toMatchObject({
      'access-control-allow-origin': WEB,
      'access-control-allow-headers': expect.stringContaining('Idempotency-Key') as string,
    });
    expect((await preflight('https://evil.example')).headers['access-control-allow-origin']).toBeUndefined();
    const refused = await request(api.app).get('/accounts').set('Origin', WEB);
    expect(refused.headers).toMatchObject({
      'access-control-allow-origin': WEB,
      'access-control-expose-headers': expect.stringContaining('WWW-Authenticate') as string,
    });
  });

  it('answers 404 for an unknown path, with or without a token, and 405 for another method', async () => {
    expect((await request(api.app).get('/nowhere')).status).toBe(404);
    expect((await api.get('/nowhere', userToken())).status).toBe(404);
    expect((await request(api.app).delete('/accounts')).status).toBe(405);
  });

  it.each([
    '/Accounts',
    '/accounts/',
    '//accounts',
    '/HEALTH/live',
    '/.well-known/oauth-protected-resource/',
    '/experiments/Forwarded-Token',
  ])('has one spelling of each path: %s is 404', async (path) => {
    expect((await request(api.app).get(path)).status).toBe(404);
  });

  it('names no type of content where there is none (RFC 9110 §8.3)', async () => {
    const logout = issuer.mintLogoutToken('api1.client');
    const empty = [
      await request(api.app).options('/accounts'),
      await request(api.app)
        .options('/payments')
        .set({ Origin: WEB, 'Access-Control-Request-Method': 'POST' }),
      await request(api.app).post('/backchannel-logout').type('form').send({ logout_token: logout }),
    ];
    for (const { text, headers } of empty) expect([text, headers['content-type']]).toEqual(['', undefined]);
  });

  it('publishes its metadata (RFC 9728 §3)', async () => {
    const response = await request(api.app).get('/.well-known/oauth-protected-resource');
    expect(response.body).toMatchObject({
      resource: RESOURCE,
      authorization_servers: ['https://sts.example'],
      scopes_supported: ['api1'],
    });
  });

  it('is live and ready whatever the STS and API2 do', async () => {
    api.sts.failWith('cut');
    expect((await request(api.app).get('/health/live')).status).toBe(200);
    expect((await request(api.app).get('/health/ready')).status).toBe(200);
  });

  it('drops what hangs from a session when the STS says that it has ended, and keeps nothing for it', async () => {
    const token = userToken({ sid: 'session-of-alice' });
    const other = userToken({ sid: 'another-session-of-alice' });
    const ask = async () => {
      await api.get('/accounts', token);
      await api.get('/accounts', other);
    };
    await ask();
    await ask();
    expect(api.tokenRequests()).toBe(2);
    const logout = issuer.mintLogoutToken('api1.client', { sid: 'session-of-alice' });
    const post = (value: string) =>
      request(api.app).post('/backchannel-logout').type('form').send({ logout_token: value });
    expect((await post(logout)).status).toBe(200);
    await ask();
    await ask();
    expect(api.tokenRequests()).toBe(4);
    expect((await post(logout)).status).toBe(400);
    expect((await post(issuer.mintLogoutToken('api2.client'))).status).toBe(400);
  });

  it('never writes a token, a secret or an error of the STS in full into its log', async () => {
    const token = userToken();
    await api.get('/accounts', token);
    api.sts.failWith({ status: 500, body: { error: 'server_error', error_description: token } });
    await api.get('/insights', token);
    api.answer = (_seen, res) => void res.writeHead(500).end(token);
    await api.get('/accounts', token);
    expect(api.log.text()).toContain('/insights');
    expect(api.log.text()).not.toContain('eyJ');
    expect(api.log.text()).not.toContain(SECRET);
  });
});
