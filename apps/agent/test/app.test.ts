import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createAccessTokenVerifier,
  createDelegationClient,
  createIntrospection,
  createLiveTokenCheck,
} from '@behalf/auth';
import { badTokens, createTestIssuer, type TestIssuerServer } from '@behalf/auth/testing';
import { createUpstream } from '@behalf/service';
import { type CapturedLog, captureLog } from '@behalf/service/testing';
import type { Express } from 'express';
import { decodeJwt } from 'jose';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../src/app.ts';

const RESOURCE = 'http://localhost:4004';

const METADATA = `${RESOURCE}/.well-known/oauth-protected-resource/mcp`;

const WEB = 'http://localhost:5173';

const SECRET = 'a-secret-that-is-in-no-log';

const issuer = createTestIssuer({ issuer: 'https://sts.example', audience: RESOURCE });

let sts: TestIssuerServer;
let log: CapturedLog;
let app: Express;
let seen: { method: string; url: string; authorization: string; body: string }[] = [];
let answer: (response: ServerResponse) => void;
const api2 = createServer((incoming, response) => void receive(incoming, response));

async function receive(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of incoming) body += String(chunk);
  const { method = '', url = '', headers } = incoming;
  seen.push({ method, url, authorization: headers.authorization ?? '', body });
  answer(response);
}

const answerJson = (status: number, body: unknown) => {
  answer = (response) =>
    void response
      .writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' })
      .end(JSON.stringify(body));
};

beforeAll(async () => {
  sts = await issuer.listen();
  await new Promise<void>((resolve) => api2.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  await sts.close();
  api2.closeAllConnections();
  await new Promise((resolve) => api2.close(resolve));
});

const DELEGATED = 'the-delegated-token';

beforeEach(() => {
  seen = [];
  log = captureLog('agent');
  answerJson(200, { accounts: [] });
  sts.failWith(undefined);
  sts.onIntrospection((form) => ({
    status: 200,
    body: { ...decodeJwt(form.get('token') ?? ''), active: true },
  }));
  sts.onToken(() => ({
    status: 200,
    body: {
      access_token: DELEGATED,
      token_type: 'Bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      expires_in: 300,
    },
  }));
  const client = {
    issuer: issuer.issuer,
    address: sts.address,
    clientId: 'agent.client',
    clientSecret: SECRET,
    timeoutMs: 20_000,
  };
  app = createApp({
    logger: log.logger,
    verifier: createAccessTokenVerifier({ ...client, audience: RESOURCE }),
    live: createLiveTokenCheck({ introspect: createIntrospection(client) }),
    delegation: createDelegationClient({ ...client, maximumAgeSeconds: 0 }),
    api2: createUpstream({ name: 'API2', url: `http://127.0.0.1:${(api2.address() as AddressInfo).port}` }),
    webUrl: WEB,
  });
});

const userToken = (changes: Record<string, unknown> = {}) =>
  issuer.mint({ scope: 'agent', client_id: 'mcp.client', sid: 'a-session', ...changes });

const post = (token: string, body: unknown) =>
  request(app)
    .post('/mcp')
    .set({
      Authorization: `Bearer ${token}`,
      Accept: 'application/json, text/event-stream',
      'Content-Type': 'application/json',
    })
    .send(body as object);

/** One call of a tool, as a client of the protocol of 2025 sends it; its result. */
async function callTool(name: string, input: object = {}, token = userToken()): Promise<ToolResult> {
  const params = { name, arguments: input };
  const { text } = await post(token, { jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  const data = /^data: (.+)$/m.exec(text)?.[1] ?? text;
  return (JSON.parse(data) as { result: ToolResult }).result;
}

interface ToolResult {
  readonly isError?: boolean;
  readonly content: readonly { readonly text: string }[];
  readonly structuredContent?: unknown;
}

describe('who may call (MCP authorization)', () => {
  it('leads a client without a token to the metadata, and names the scope to ask for', async () => {
    for (const response of [await request(app).post('/mcp').send({}), await request(app).get('/mcp')]) {
      expect([response.status, response.headers['www-authenticate']]).toEqual([
        401,
        `Bearer scope="agent", resource_metadata="${METADATA}"`,
      ]);
    }
  });

  it.each(badTokens(issuer, { audience: RESOURCE }).filter(({ token }) => token.length < 16 * 1024))(
    'refuses $name ($section)',
    async ({ token }) => {
      const response = await post(token, {});
      expect(response.status).toBe(401);
      expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
      expect(response.headers['www-authenticate']).toContain('scope="agent"');
    },
  );

  it('answers a token without the scope with 403 and the scope', async () => {
    const response = await post(userToken({ scope: 'account' }), {});
    expect([response.status, response.headers['www-authenticate']]).toEqual([
      403,
      `Bearer error="insufficient_scope", scope="agent", resource_metadata="${METADATA}"`,
    ]);
  });

  it('takes no token that was issued for another API, so no token is passed through', async () => {
    for (const aud of ['http://localhost:4001', 'http://localhost:4002', `${RESOURCE}/mcp`]) {
      expect((await post(userToken({ aud }), {})).status).toBe(401);
    }
  });

  it('takes no token of a client that acts for itself', async () => {
    const token = issuer.mint({ scope: 'agent', sub: 'machine.client', client_id: 'machine.client' });
    expect((await post(token, {})).status).toBe(403);
  });

  it('refuses a token that the STS no longer takes for active, whatever the tool', async () => {
    const token = userToken();
    sts.onIntrospection(() => ({ status: 200, body: { active: false } }));
    const response = await post(token, { jsonrpc: '2.0', id: 1, method: 'tools/list' });
    expect(response.status).toBe(401);
  });
});

describe('the metadata (RFC 9728)', () => {
  it('stands at the path-inserted address, and its resource is the address of the endpoint', async () => {
    const response = await request(app).get(new URL(METADATA).pathname).set('Origin', 'https://any.example');
    expect(response.headers['access-control-allow-origin']).toBe('*');
    expect(response.body).toEqual({
      resource: `${RESOURCE}/mcp`,
      authorization_servers: ['https://sts.example'],
      scopes_supported: ['agent'],
      bearer_methods_supported: ['header'],
      resource_name: 'Behalf agent',
    });
  });

  it('stands at the place of every other API as well, with the identifier', async () => {
    const response = await request(app).get('/.well-known/oauth-protected-resource');
    expect(response.body).toMatchObject({ resource: RESOURCE, scopes_supported: ['agent'] });
  });

  it('lets the pages of every origin call, and read the challenge', async () => {
    const preflight = await request(app).options('/mcp').set({
      Origin: 'https://any.example',
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'authorization, content-type, mcp-protocol-version',
    });
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'authorization, content-type, mcp-protocol-version',
    });
    const refused = await request(app).post('/mcp').set('Origin', 'https://any.example').send({});
    expect(refused.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': expect.stringContaining('WWW-Authenticate') as string,
    });
    expect(refused.headers).not.toHaveProperty('access-control-allow-credentials');
  });
});

describe('the tools', () => {
  const PAYMENT = { from: 'acc_a1', to: 'acc_b1', amount: '12.50', reference: 'Lunch & more' };

  it('list_accounts calls API2 with a token that was issued for that, never with the caller’s', async () => {
    const accounts = [{ id: 'acc_a1', name: 'Everyday', currency: 'EUR', balance: '10.00' }];
    answerJson(200, { accounts });
    const token = userToken();
    const result = await callTool('list_accounts', {}, token);
    expect(result.structuredContent).toEqual({ accounts });
    expect(seen).toMatchObject([
      { method: 'GET', url: '/accounts', authorization: `Bearer ${DELEGATED}`, body: '' },
    ]);
    expect(log.text()).not.toContain(token);
  });

  it('prepare_payment books nothing: it gives a link to the payment form', async () => {
    const result = await callTool('prepare_payment', PAYMENT);
    const link = new URL((result.structuredContent as { link: string }).link);
    expect([link.origin, link.pathname, Object.fromEntries(link.searchParams)]).toEqual([
      WEB,
      '/pay',
      PAYMENT,
    ]);
    expect(seen).toEqual([]);
  });

  it('pay is refused by API2, and says why', async () => {
    answerJson(403, { type: 'https://behalf.example/problems/wrong-actor', detail: 'Not this actor.' });
    const result = await callTool('pay', { ...PAYMENT, currency: 'EUR' });
    expect([result.isError, result.content[0]?.text]).toEqual([
      true,
      'API2 refused: Not this actor. Payments are the user’s own: use prepare_payment.',
    ]);
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/payments' });
  });

  it.each([
    ['policy', 'they have taken it back, or never allowed it'],
    ['subject_token', 'The user must sign in again'],
  ])('say in words that the STS refused: %s', async (reason, words) => {
    sts.onToken(() => ({ status: 400, body: { error: 'invalid_request', reason } }));
    const result = await callTool('list_accounts');
    expect([result.isError, result.content[0]?.text]).toEqual([
      true,
      expect.stringContaining(words) as string,
    ]);
    expect(seen).toEqual([]);
  });

  it('ask the STS anew with each call, so that what was taken back ends with the next one', async () => {
    const asked = () => sts.requests.filter((path) => path === '/connect/token').length;
    const before = asked();
    const token = userToken();
    await callTool('list_accounts', {}, token);
    await callTool('list_accounts', {}, token);
    expect(asked() - before).toBe(2);
  });

  it('take no input that is not theirs', async () => {
    const result = await callTool('prepare_payment', { ...PAYMENT, amount: '1e9' });
    expect(result.isError).toBe(true);
  });

  it('read a token before a body', async () => {
    const response = await request(app).post('/mcp').type('text/plain').send('x');
    expect(response.status).toBe(401);
    const known = await post(userToken(), { jsonrpc: '2.0', id: 1, method: 'x', params: 'x'.repeat(20_000) });
    expect(known.status).toBe(413);
  });
});
