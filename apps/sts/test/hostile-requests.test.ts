import { connect } from 'node:net';
import { describeEachEngine, newTestServerDatabase } from '@behalf/database/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from './support/browser.ts';
import { assertionForm, clientAssertion } from './support/client-assertion.ts';
import { authorize, authorizeUrl, basic, newVerifier, post, redeem, signIn } from './support/sign-in.ts';
import { API1, startTestSts, type TestSts } from './support/sts.ts';

/** Requests that no client library sends, byte by byte. */
function sendRaw(address: string, lines: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    let answer = '';
    connect(Number(port), hostname)
      .setEncoding('utf8')
      .on('data', (text: string) => (answer += text))
      .on('close', () => resolve(answer))
      .on('error', reject)
      .end(`${lines.join('\r\n')}\r\n\r\n`);
  });
}

describe('who may read an answer (Fetch standard, CORS protocol)', () => {
  let sts: TestSts;
  beforeAll(async () => {
    sts = await startTestSts();
  });
  afterAll(() => sts.close());

  const ENDPOINTS = [
    { method: 'POST', path: '/connect/token' },
    { method: 'POST', path: '/connect/introspect' },
    { method: 'POST', path: '/connect/revocation' },
    { method: 'POST', path: '/connect/par' },
    { method: 'GET', path: '/connect/userinfo' },
    { method: 'POST', path: '/connect/userinfo' },
    { method: 'GET', path: '/account/sessions' },
    { method: 'GET', path: '/connect/authorize' },
  ];
  const ORIGINS = [
    { why: 'nobody when there is no Origin', headers: {} },
    { why: 'not another origin', headers: { origin: 'https://evil.example' } },
    { why: 'not the opaque origin', headers: { origin: 'null' } },
    { why: 'not one that begins alike', headers: { origin: 'http://localhost:5173.evil.example' } },
  ];
  const send = (method: string, path: string, headers: Record<string, string>) =>
    fetch(`${sts.issuer}${path}`, {
      method,
      redirect: 'manual',
      headers: { ...(path === '/connect/userinfo' ? {} : basic('machine.client')), ...headers },
      ...(method === 'POST'
        ? { body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'api1', token: 'x' }) }
        : {}),
    });
  const cases = ENDPOINTS.flatMap((endpoint) => ORIGINS.map((origin) => ({ ...endpoint, ...origin })));

  test.each(cases)('$method $path lets $why read it', async ({ method, path, headers }) => {
    const named = [...(await send(method, path, headers)).headers.keys()];
    expect(named.filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  test.each(ENDPOINTS.slice(0, 7))(
    'no preflight for $path passes for another origin',
    async ({ path, method }) => {
      const answer = await send('OPTIONS', path, {
        origin: 'https://evil.example',
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization',
      });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      expect(answer.headers.get('access-control-allow-headers')).toBeNull();
    },
  );

  test('pages of every public client read tokens, those of a native or a disabled one do not', async () => {
    const addPublic = (id: string, uri: string, application_type = 'web') =>
      sts.state.clients.upsert({
        id,
        firstParty: true,
        scopes: ['api1'],
        metadata: {
          application_type,
          token_endpoint_auth_method: 'none',
          grant_types: ['authorization_code'],
          response_types: ['code'],
          redirect_uris: [uri],
        },
      });
    await addPublic('second.client', 'https://second.example/callback');
    await addPublic('native.client', 'http://127.0.0.1/callback', 'native');
    await addPublic('ended.client', 'https://ended.example/callback');
    await sts.state.clients.setDisabled('ended.client', true);
    const allowed = async (origin: string) =>
      (await send('POST', '/connect/token', { origin })).headers.get('access-control-allow-origin');
    await expect.poll(() => allowed('https://second.example')).toBe('https://second.example');
    for (const origin of ['http://127.0.0.1', 'https://ended.example', 'https://second.example.evil']) {
      expect(await allowed(origin)).toBeNull();
    }
  });

  test('the web client’s own origin reads tokens and userinfo, and caches keep it apart', async () => {
    const origin = sts.config.webOrigin;
    for (const [method, path] of [
      ['POST', '/connect/token'],
      ['GET', '/connect/userinfo'],
    ] as const) {
      const { headers } = await send(method, path, { origin });
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('vary')).toContain('Origin');
    }
  });
});

describe('the address of the server', () => {
  let sts: TestSts;
  beforeAll(async () => {
    sts = await startTestSts();
  });
  afterAll(() => sts.close());

  test.each([
    { why: 'the Host header', target: '', header: 'Host: evil.example' },
    { why: 'X-Forwarded-Host', target: '', header: 'Host: localhost\r\nX-Forwarded-Host: evil.example' },
    { why: 'a whole URL as request target', target: 'http://evil.example', header: 'Host: localhost' },
    { why: 'such a URL with a name in it', target: 'http://a:b@evil.example:1', header: 'Host: localhost' },
  ])('in discovery does not follow $why (RFC 9112 §3.2)', async ({ target, header }) => {
    const path = `${target}/.well-known/openid-configuration`;
    const answer = await sendRaw(sts.address, [`GET ${path} HTTP/1.1`, header, 'Connection: close']);
    expect(answer).toContain(`"token_endpoint":"${sts.issuer}/connect/token"`);
    expect(answer).not.toContain('evil.example');
  });

  test('a sign-in’s id in a whole URL as request target stays out of the log', async () => {
    const page = await new Browser(sts.issuer).open(authorizeUrl(sts.issuer, newVerifier()));
    const uid = page.url.split('/').at(-1) ?? '';
    await sendRaw(sts.address, [`GET http://x/interaction/${uid} HTTP/1.1`, 'Host: x', 'Connection: close']);
    expect(sts.log.join('')).not.toContain(uid);
  });
});

describe('the guard and oidc-provider read the same form', () => {
  let sts: TestSts;
  beforeAll(async () => {
    sts = await startTestSts();
  });
  afterAll(() => sts.close());

  test('a parameter whose name begins with a question mark is another parameter', async () => {
    const { refreshToken } = await signIn(sts.issuer);
    const answer = await fetch(`${sts.issuer}/connect/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `?client_id=nobody&grant_type=refresh_token&client_id=web.client&scope=api1&refresh_token=${refreshToken}`,
    });
    expect(answer.status).toBe(200);
  });

  test.each(['/connect/token?x=1', 'http://x/connect/token'])(
    'no form of the request target passes the guard by: %s',
    async (target) => {
      const form = 'grant_type=client_credentials&scope=api1&x=1&x=2';
      const answer = await sendRaw(sts.address, [
        `POST ${target} HTTP/1.1`,
        'Host: x',
        'Connection: close',
        `Authorization: ${basic('machine.client').authorization}`,
        'Content-Type: application/x-www-form-urlencoded',
        `Content-Length: ${form.length}`,
        '',
        form,
      ]);
      expect(answer).toMatch(/^HTTP\/1.1 400 /);
      expect(answer).toContain('a parameter is repeated');
    },
  );

  test.each([
    '/connect/token/',
    '/CONNECT/token',
    '/connect//token',
    '/connect/%74oken',
    '/connect/x/../token',
    '/connect/token%2f',
    '/connect/token//',
  ])('what is no spelling of it is not found: %s', async (target) => {
    const answer = await sendRaw(sts.address, [
      `POST ${target} HTTP/1.1`,
      'Host: x',
      'Connection: close',
      'Content-Length: 0',
    ]);
    expect(answer).toMatch(/^HTTP\/1.1 (400|404) /);
    expect(answer).not.toContain('access_token');
  });
});

describeEachEngine('what the database cannot keep is a refusal, never its failure', (engine) => {
  let sts: TestSts;
  let database: Awaited<ReturnType<typeof newTestServerDatabase>> | undefined;
  beforeAll(async () => {
    database = engine === 'postgres' ? await newTestServerDatabase() : undefined;
    sts = await startTestSts({ environment: database === undefined ? {} : { DATABASE_URL: database.url } });
  });
  afterAll(async () => {
    await sts.close();
    await database?.remove();
  });

  const machine = { grant_type: 'client_credentials', scope: 'api1', client_id: 'machine.client' };
  const assertion = [{ alg: 'ES256' }, { iss: 'a\0', sub: 'a\0' }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const authentications: { what: string; form: Record<string, string> }[] = [
    { what: 'a secret', form: { ...machine, client_secret: 'secret\0' } },
    { what: 'a client_id', form: { ...machine, client_id: 'machine.client\0', client_secret: 'secret' } },
    {
      what: 'the subject of an assertion',
      form: {
        grant_type: 'client_credentials',
        scope: 'api1',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: `${assertion}.AA`,
      },
    },
  ];
  test.each(authentications)('$what with NUL is 401 invalid_client (RFC 6749 §5.2)', async ({ form }) => {
    for (const path of ['token', 'introspect', 'revocation']) {
      const answer = await post(`${sts.issuer}/connect/${path}`, { ...form, token: 'x' });
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    }
  });

  test.each(['/connect/authorize', '/connect/endsession'])(
    'a client_id with NUL at %s is 400',
    async (path) => {
      const query = new URL(
        authorizeUrl(sts.issuer, newVerifier(), { parameters: { client_id: 'web.client\0' } }),
      ).search;
      expect((await fetch(`${sts.issuer}${path}${query}`, { redirect: 'manual' })).status).toBe(400);
    },
  );

  test('a user name with NUL is like any unknown one', async () => {
    const browser = new Browser(sts.issuer);
    const page = await browser.open(authorizeUrl(sts.issuer, newVerifier()));
    const answer = await browser.submit(page, { username: 'alice\0', password: 'alice' });
    expect(answer.status).toBe(401);
  });

  test('state and nonce with NUL come back as they were', async () => {
    const { redirect } = await authorize(sts.issuer, { parameters: { state: 'a\0b', nonce: 'c\0d' } });
    expect(redirect.searchParams.get('state')).toBe('a\0b');
  });

  test('an id or a cursor with NUL names nothing of the user’s', async () => {
    const authorization = await authorize(sts.issuer, { scope: 'openid account', resource: [sts.issuer] });
    const answer = await redeem(sts.issuer, authorization, { resource: sts.issuer });
    const headers = { authorization: `Bearer ${String(answer.body['access_token'])}` };
    const send = (method: string, path: string) =>
      fetch(`${sts.issuer}/account${path}`, { method, headers }).then(({ status }) => status);
    expect(await send('DELETE', '/sessions/%00')).toBe(404);
    expect(await send('DELETE', '/delegations/%00')).toBe(404);
    const cursor = Buffer.from(JSON.stringify([9e15, '\0'])).toString('base64url');
    expect(await send('GET', `/delegations?cursor=${cursor}`)).toBe(400);
    expect(await send('GET', '/delegations?cursor=%00')).toBe(400);
  });

  test('times with a fraction are times (RFC 7519 §2)', async () => {
    const exp = Math.floor(Date.now() / 1000) + 60.5;
    const assertion = await clientAssertion(sts, { claims: { exp } });
    for (const status of [200, 401]) {
      expect(await post(`${sts.issuer}/connect/token`, assertionForm(assertion))).toMatchObject({ status });
    }
  });

  test('a parameter of an exchange with NUL is 400', async () => {
    const { accessToken } = await signIn(sts.issuer);
    for (const extra of [
      { scope: 'api2\0' },
      { audience: 'api2\0' },
      { resource: `${API1}\0` },
      { token: '\0' },
    ]) {
      const form = { grant_type: 'delegation', scope: 'api2', token: accessToken, ...extra };
      const answer = await post(`${sts.issuer}/connect/token`, form, basic('api1.client'));
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    }
  });
});
