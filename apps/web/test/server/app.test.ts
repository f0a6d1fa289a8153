import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../server/app.ts';
import { loadConfig } from '../../server/config.ts';

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'behalf-web-'));
  mkdirSync(join(root, 'assets'));
  writeFileSync(join(root, 'index.html'), '<html><head><!-- behalf:config --></head></html>');
  writeFileSync(join(root, 'assets', 'index-abc.js'), 'export {};');
  writeFileSync(join(root, 'icon.svg'), '<svg/>');
});

afterAll(() => rmSync(root, { recursive: true }));

function app(environment: Record<string, string> = {}) {
  const { client, url } = loadConfig(environment);
  return createApp({ root, client, url });
}

describe('the page', () => {
  it.each(['/', '/pay', '/callback?code=c&state=s'])(
    'answers %s with the configuration in it',
    async (path) => {
      const response = await request(app({ NODE_ENV: 'development', ISSUER: 'https://sts.example' }))
        .get(path)
        .set('Host', 'localhost');
      expect(response.status).toBe(200);
      expect(response.headers['cache-control']).toBe('no-cache');
      expect(response.text).toContain('&quot;issuer&quot;:&quot;https://sts.example&quot;');
    },
  );

  it('is never sent without its configuration', async () => {
    const response = await request(app()).get('/index.html');
    expect([response.status, response.headers['location']]).toEqual([308, '/']);
  });

  it('is refused at an address that cannot be decoded, without a word about why', async () => {
    const response = await request(app()).get('/%ff');
    expect([response.status, response.text]).toEqual([400, 'Bad request\n']);
  });

  it('takes scripts and styles from here alone, and talks to the issuer and the APIs alone', async () => {
    const response = await request(
      app({
        NODE_ENV: 'development',
        ISSUER: 'https://sts.example',
        API1_URL: 'https://api1.example',
        API2_URL: 'https://api2.example',
        AGENT_URL: 'https://agent.example',
      }),
    ).get('/');
    const policy = response.headers['content-security-policy'] ?? '';
    expect(policy.split(';')).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      "connect-src 'self' https://sts.example https://api1.example https://api2.example https://agent.example",
      "frame-src 'self' https://sts.example",
      "frame-ancestors 'self'",
      "form-action 'self'",
      "base-uri 'none'",
    ]);
    expect(response.headers['referrer-policy']).toBe('no-referrer');
  });

  it('holds no unescaped value of the environment', async () => {
    const client = { ...loadConfig({}).client, clientId: '"><script>x</script>' };
    const response = await request(createApp({ root, client, url: 'http://localhost:5173' })).get('/');
    expect(response.text).not.toContain('<script>x');
  });
});

describe('another name of this machine', () => {
  const environment = { WEB_URL: 'http://localhost:5173' };

  it.each(['127.0.0.1:5173', '[::1]:5173', '127.0.0.1'])('%s leads to the right address', async (host) => {
    const response = await request(app(environment)).get('/pay?from=a1').set('Host', host);
    expect([response.status, response.headers['location']]).toEqual([
      307,
      'http://localhost:5173/pay?from=a1',
    ]);
  });

  it.each([
    ['localhost:8080', 'http://localhost:5173'],
    ['web.internal', 'http://localhost:5173'],
    ['127.0.0.1:5173', 'https://app.example'],
  ])('%s at %s is left alone: a proxy may have chosen it', async (host, url) => {
    const response = await request(app({ WEB_URL: url }))
      .get('/pay')
      .set('Host', host);
    expect(response.status).toBe(200);
  });

  it('leads nowhere else', async () => {
    const response = await request(app(environment)).get('//elsewhere.example/').set('Host', '127.0.0.1');
    expect(response.headers['location']).toBe('http://localhost:5173//elsewhere.example/');
  });

  it('answers whether it lives under any name', async () => {
    const response = await request(app(environment)).get('/health/live').set('Host', '127.0.0.1');
    expect(response.status).toBe(200);
  });
});

describe('the issuer', () => {
  it.each(['https://sts.example/', 'https://sts.example/tenant/', 'https://sts.example'])(
    'is passed on as it is written: %s (OpenID Connect Discovery §4.3)',
    (issuer) => {
      const { client } = loadConfig({ NODE_ENV: 'development', ISSUER: issuer });
      expect(client.issuer).toBe(issuer);
    },
  );

  it('and the APIs are named to the client as they are written, and called without the trailing slash', () => {
    const written = 'https://api1.example/';
    const { client } = loadConfig({ API1_RESOURCE: written, API1_URL: written });
    expect(client).toMatchObject({ api1Resource: written, api1Url: 'https://api1.example' });
  });

  it('is refused when it is no address', () => {
    expect(() => loadConfig({ ISSUER: 'sts.example' })).toThrow('ISSUER: is not an absolute http(s) URL');
  });
});

describe('files', () => {
  it('with a hash in their name are kept for a year', async () => {
    const response = await request(app()).get('/assets/index-abc.js');
    expect(response.headers['cache-control']).toContain('immutable');
  });

  it.each(['/assets/gone.js', '/gone.png', '/../package.json', '/.env'])(
    'that are not there are 404, and no page: %s',
    async (path) => {
      const response = await request(app()).get(path);
      expect(response.status).toBe(404);
      expect(response.text).not.toContain('behalf:config');
    },
  );

  it('are not written to', async () => {
    expect((await request(app()).post('/pay')).status).toBe(404);
  });
});

it.each(['/health/live', '/health/ready'])('answers %s', async (path) => {
  expect((await request(app()).get(path)).status).toBe(200);
});

it('does not start without a built client', () => {
  expect(() => createApp({ ...loadConfig({}), root: join(root, 'nowhere') })).toThrow(/index\.html/);
});

const PRODUCTION = {
  NODE_ENV: 'production',
  ISSUER: 'https://sts.example',
  API1_URL: 'https://api1.example',
  API1_RESOURCE: 'https://api1.example',
  API2_URL: 'https://api2.example',
  API2_RESOURCE: 'https://api2.example',
  SUBSCRIPTIONS_RESOURCE: 'https://subscriptions.example',
  AGENT_RESOURCE: 'https://agent.example',
  AGENT_URL: 'https://agent.example',
};

it.each([
  ['ISSUER', { ISSUER: '' }],
  ['API1_URL', { API1_URL: '' }],
  ['API2_RESOURCE', { API2_RESOURCE: 'http://api2.example' }],
  ['EXPERIMENTS', { EXPERIMENTS: 'on' }],
])('does not start in production on an unsafe %s', (name, change) => {
  expect(() => loadConfig({ ...PRODUCTION, ...change })).toThrow(name);
});

describe('experiments', () => {
  it.each([
    [{}, true],
    [PRODUCTION, false],
    [{ ...PRODUCTION, EXPERIMENTS: 'on', EXPERIMENTS_IN_PRODUCTION: 'on' }, true],
    [{ EXPERIMENTS: 'off' }, false],
  ])('with %o are offered: %s', (environment, offered) => {
    expect(loadConfig(environment).client.experiments).toBe(offered);
  });
});
