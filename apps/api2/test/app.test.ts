import { badTokens } from '@behalf/auth/testing';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import {
  alice,
  issuer,
  METADATA,
  NOW,
  ORDER,
  premium,
  PROBLEM,
  RESOURCE,
  SECRET,
  tokenOf,
  useTestApi2,
} from './support/api2.ts';

const api = useTestApi2();

describe('who may call', () => {
  const bad = badTokens(issuer, { audience: RESOURCE }).filter(({ token }) => token.length < 16 * 1024);
  it.each(bad)('refuses $name ($section) on every route', async ({ token }) => {
    for (const path of ['/identity', '/accounts', '/payments', '/payments/pay_x', '/insights', '/chain']) {
      const response = await api.get(path, token);
      expect([path, response.status, response.type]).toEqual([path, 401, 'application/problem+json']);
      expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
      expect(response.headers['www-authenticate']).toContain(`resource_metadata="${METADATA}"`);
    }
    expect((await api.pay(ORDER, { token })).status).toBe(401);
    expect(api.log.text()).not.toContain(token);
  });

  it.each(['/identity', '/accounts', '/payments', '/insights', '/chain'])(
    'wants a token at %s, without an error code when there was none (RFC 6750 §3.1)',
    async (path) => {
      const response = await request(api.app).get(path);
      expect([response.status, response.headers['www-authenticate']]).toEqual([
        401,
        `Bearer resource_metadata="${METADATA}"`,
      ]);
    },
  );

  const wrongActors: [string, Record<string, unknown>][] = [
    ['no client acts', { act: undefined }],
    ['another client acts', { act: { sub: 'api2.client' } }],
    [
      'API1 acted only earlier (RFC 8693 §4.1)',
      { act: { sub: 'other.client', act: { sub: 'api1.client' } } },
    ],
  ];
  it.each(wrongActors)('refuses a token in which %s', async (_what, changes) => {
    const responses = [
      ...(await Promise.all(
        ['/accounts', '/payments', '/chain'].map((path) => api.get(path, tokenOf(alice, changes))),
      )),
      await api.get('/insights', premium(changes)),
      await api.pay(ORDER, { token: tokenOf(alice, changes) }),
    ];
    for (const response of responses) {
      expect(response.status).toBe(403);
      expect(response.headers['www-authenticate']).toContain('error="insufficient_scope"');
      expect(JSON.parse(response.text)).toMatchObject({ type: `${PROBLEM}wrong-actor` });
    }
  });

  it('takes every actor of its list', async () => {
    const second = { client_id: 'second.client', act: { sub: 'second.client' } };
    for (const path of ['/accounts', '/payments']) {
      expect((await api.get(path, tokenOf(alice, second))).status).toBe(200);
    }
    expect((await api.get('/insights', premium(second))).status).toBe(200);
  });

  it('lets the agent read accounts, and nothing else', async () => {
    const agent = tokenOf(alice, { client_id: 'agent.client', act: { sub: 'agent.client' } });
    expect((await api.get('/accounts', agent)).status).toBe(200);
    for (const path of ['/payments', '/chain']) expect((await api.get(path, agent)).status).toBe(403);
    expect((await api.pay(ORDER, { token: agent })).status).toBe(403);
  });

  it.each([
    ['/accounts', 'api2.premium', 'api2'],
    ['/payments', 'api2.premium', 'api2'],
    ['/chain', 'api2.premium', 'api2'],
    ['/insights', 'api2', 'api2.premium'],
    ['/statistics', 'api2', 'api2.statistics'],
    ['/statistics', 'api2.premium', 'api2.statistics'],
  ])('refuses at %s a token with the scope %s, and names the one it wants', async (path, scope, wanted) => {
    const response = await api.get(path, premium({ scope }));
    expect(response.status).toBe(403);
    expect(response.headers['www-authenticate']).toContain(`scope="${wanted}"`);
  });
});

describe('the service', () => {
  it('tells who calls, as it sees it', async () => {
    expect((await api.get('/identity', tokenOf(alice))).body).toMatchObject({
      sub: alice,
      client_id: 'api1.client',
      scope: 'api2',
      act: { sub: 'api1.client' },
      aud: RESOURCE,
      iat: NOW,
      exp: NOW + 300,
    });
  });

  it('drops what hangs from a session when the STS says that it has ended', async () => {
    const token = tokenOf(alice);
    await api.get('/chain', token);
    await api.get('/chain', token);
    const exchanges = () => api.sts.requests.filter((path) => path === '/connect/token').length;
    const before = exchanges();
    const logout = issuer.mintLogoutToken('api2.client');
    const response = await request(api.app)
      .post('/backchannel-logout')
      .type('form')
      .send({ logout_token: logout });
    expect(response.status).toBe(200);
    await api.get('/chain', token);
    expect(exchanges()).toBeGreaterThan(before);
    const forged = issuer.mintLogoutToken('another.client');
    expect(
      (await request(api.app).post('/backchannel-logout').type('form').send({ logout_token: forged })).status,
    ).toBe(400);
  });

  it('answers 404 for an unknown path, with or without a token, and 405 for another method', async () => {
    expect((await request(api.app).get('/nowhere')).status).toBe(404);
    expect((await api.get('/nowhere', tokenOf(alice))).status).toBe(404);
    expect((await request(api.app).put('/payments')).headers['allow']).toBe('GET, POST, HEAD, OPTIONS');
  });

  it.each(['/Accounts', '/accounts/', '//accounts', '/HEALTH/live', '/health/ready/', '/%61ccounts'])(
    'has one spelling of each path: %s is 404',
    async (path) => {
      expect((await request(api.app).get(path)).status).toBe(404);
    },
  );

  it('answers 503 while its database does not answer, and is not ready then', async () => {
    const gone = await api.database.reopen();
    api.restart(gone);
    await gone.close();
    expect((await request(api.app).get('/health/ready')).status).toBe(503);
  });

  it('stores no answer anywhere, and lets no page of any origin read one', async () => {
    for (const path of [
      '/identity',
      '/accounts',
      '/payments',
      '/insights',
      '/statistics',
      '/chain',
      '/nowhere',
    ])
      for (const send of [request(api.app).get(path), api.get(path, tokenOf(alice)), api.get(path, 'x')]) {
        const { headers } = await send.set('Origin', 'http://localhost:5173');
        expect([path, headers['cache-control']]).toEqual([path, 'no-store']);
        expect(headers['access-control-allow-origin']).toBeUndefined();
      }
  });

  it('publishes its metadata (RFC 9728 §3)', async () => {
    const response = await request(api.app).get('/.well-known/oauth-protected-resource');
    expect(response.body).toMatchObject({
      resource: RESOURCE,
      scopes_supported: ['api2', 'api2.premium', 'api2.statistics'],
    });
  });

  it('takes bound tokens while that is switched on, and says so (RFC 9449 §7.2)', async () => {
    api.restart(api.database, { dpop: true });
    const metadata = await request(api.app).get('/.well-known/oauth-protected-resource');
    expect(metadata.body).toMatchObject({ dpop_signing_alg_values_supported: ['ES256'] });
    const { headers } = await request(api.app).get('/accounts');
    expect(headers['www-authenticate']).toMatch(/^Bearer .*, DPoP algs="ES256"$/);
    expect((await api.get('/accounts', tokenOf(alice))).status).toBe(200);
    expect((await api.get('/accounts', tokenOf(alice, { cnf: { jkt: 'x' } }))).status).toBe(401);
  });

  it('refuses bound tokens while it is switched off, and names no DPoP', async () => {
    const { headers } = await api.get('/accounts', tokenOf(alice, { cnf: { jkt: 'x' } })).expect(401);
    expect(headers['www-authenticate']).not.toContain('DPoP');
  });

  it('never writes a token, a secret or an Idempotency-Key into its log', async () => {
    const token = tokenOf(alice);
    await api.pay(ORDER, { token, key: 'a-key-of-the-users-own' });
    await api.get('/chain', token);
    api.sts.failWith({ status: 500, body: { error: 'server_error', error_description: token } });
    await api.pay(ORDER, { token, key: 'another' });
    api.answerSubscriptions = (_req, res) => void res.writeHead(500).end(token);
    await api.get('/chain', token);
    expect(api.log.text()).toContain('/chain');
    expect(api.log.text()).not.toContain('eyJ');
    expect(api.log.text()).not.toContain(SECRET);
    expect(api.log.text()).not.toContain('a-key-of-the-users-own');
  });
});
