import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { grantClient } from '../src/results.ts';
import { createTokenRequestGuard, type GuardedRequest } from '../src/token-request-guard.ts';
import { as, startTestServer, type TestServer } from './support/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({});
  server.grant = () => grantClient({ scopes: ['billing'] });
});

afterAll(() => server.close());

const VALID = new URLSearchParams({ grant_type: 'test', scope: 'billing', ...as('tier') }).toString();

const WITHOUT_CLIENT = 'grant_type=test&scope=billing';

const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`;

async function post(body: string, headers: Record<string, string> = {}) {
  const response = await server.post(body, headers);
  const { error } = (await response.json()) as { error?: string };
  return { status: response.status, error, response };
}

describe('refused as invalid_request (RFC 6749 §5.2)', () => {
  test.each<[string, string, Record<string, string>, number]>([
    ['a JSON body', '{"grant_type":"test"}', { 'content-type': 'application/json' }, 400],
    ['a multipart body', VALID, { 'content-type': 'multipart/form-data; boundary=x' }, 400],
    ['another charset', VALID, { 'content-type': 'application/x-www-form-urlencoded; charset=utf-16' }, 400],
    ['a compressed body', VALID, { 'content-encoding': 'gzip' }, 400],
    ['no grant_type', new URLSearchParams(as('tier')).toString(), {}, 400],
    ['an empty grant_type (§3.1)', VALID.replace('grant_type=test', 'grant_type='), {}, 400],
    ['an empty body', '', {}, 400],
    ['a repeated grant_type (§3.2)', `${VALID}&grant_type=test`, {}, 400],
    ['a repeated parameter that nobody knows', `${VALID}&x=1&x=2`, {}, 400],
    ['a parameter repeated in another spelling', `${VALID}&x=1&%78=2`, {}, 400],
    ['a repeated client_id', `${VALID}&client_id=tier`, {}, 400],
    ['malformed percent-encoding', `${VALID}&x=%zz`, {}, 400],
    ['a cut-off percent-encoding', `${VALID}&x=%`, {}, 400],
    ['percent-encoding that is not UTF-8', `${VALID}&x=%ff`, {}, 400],
    ['NUL in a value', `${VALID}&x=%00`, {}, 400],
    ['NUL in a name', `${VALID}&x%00=1`, {}, 400],
    ['more than 100 parameters', `${VALID}${'&x='.repeat(97)}`, {}, 400],
    ['a secret in header and body (§2.3)', VALID, { authorization: basic('tier:s3cret') }, 400],
    ['a secret and an assertion (§2.3)', `${VALID}&client_assertion=x`, {}, 400],
    [
      'an assertion and a header (§2.3)',
      `${WITHOUT_CLIENT}&client_assertion=x`,
      { authorization: basic('tier:s3cret') },
      400,
    ],
    ['more than 56 KiB', `${VALID}&x=${'y'.repeat(56 * 1024)}`, {}, 413],
    ['much more than 56 KiB', `${VALID}&x=${'y'.repeat(800 * 1024)}`, {}, 413],
  ])('%s', async (_, body, headers, status) => {
    server.requests.length = 0;
    const answer = await post(body, headers);
    expect(answer).toMatchObject({ status, error: 'invalid_request' });
    expect(answer.response.headers.get('cache-control')).toBe('no-store');
    expect(answer.response.headers.get('pragma')).toBe('no-cache');
    expect(answer.response.headers.get('content-type')).toContain('application/json');
    expect(server.requests).toEqual([]);
  });

  test('a body that is not UTF-8', async () => {
    const response = await fetch(`${server.url}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.concat([Buffer.from(`${VALID}&x=`), Buffer.from([0xff])]),
    });
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
  });

  test.each(['GET', 'PUT', 'DELETE'])('%s: 405 with Allow', async (method) => {
    const response = await fetch(`${server.url}/token`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST, OPTIONS');
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
  });

  test('an endless body: 413 without reading on', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    const head = 'POST /token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const answer = await new Promise<string>((resolve) => {
      const write = () => {
        if (socket.writable && socket.write(chunk)) setImmediate(write);
      };
      socket.on('error', () => undefined);
      socket.on('drain', write);
      socket.once('data', (data) => {
        resolve(data.toString());
        socket.destroy();
      });
      socket.write(head);
      write();
    });
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
  });
});

describe('refused as invalid_client (RFC 6749 §5.2)', () => {
  test.each<[string, string, Record<string, string>]>([
    ['no client at all', WITHOUT_CLIENT, {}],
    ['an empty client_id', `${WITHOUT_CLIENT}&client_id=`, {}],
    ['a secret without a client_id', `${WITHOUT_CLIENT}&client_secret=s3cret`, {}],
    ['another scheme than Basic', WITHOUT_CLIENT, { authorization: 'Bearer x' }],
    ['Basic without a secret', WITHOUT_CLIENT, { authorization: basic('tier:') }],
    ['Basic without a colon', WITHOUT_CLIENT, { authorization: basic('tier') }],
    ['Basic that is not base64', WITHOUT_CLIENT, { authorization: 'Basic %%%' }],
    ['Basic with NUL after the secret', WITHOUT_CLIENT, { authorization: basic('tier:s3cret%00') }],
    ['a secret in the body followed by NUL', `${VALID}%00`, {}],
    ['a client_id with NUL', VALID.replace('client_id=tier', 'client_id=tier%00'), {}],
    ['a malformed assertion', `${WITHOUT_CLIENT}&client_assertion=x.y.z`, {}],
    ['a wrong secret, in the header', WITHOUT_CLIENT, { authorization: basic('tier:wrong') }],
    ['a wrong secret, in the body', VALID.replace('s3cret', 'wrong'), {}],
    ['a confidential client without its secret', `${WITHOUT_CLIENT}&client_id=tier`, {}],
  ])('%s', async (_, body, headers) => {
    const answer = await post(body, headers);
    expect(answer).toMatchObject({ status: 401, error: 'invalid_client' });
    expect(answer.response.headers.get('www-authenticate')).toContain('Basic ');
    expect(answer.response.headers.get('cache-control')).toBe('no-store');
  });
});

describe('passed on', () => {
  test.each<[string, string, Record<string, string>]>([
    ['a form', VALID, {}],
    [
      'a form with its charset',
      VALID,
      { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' },
    ],
    ['Basic authentication', WITHOUT_CLIENT, { authorization: basic('tier:s3cret') }],
    [
      'Basic with the same client_id in the body',
      `${WITHOUT_CLIENT}&client_id=tier`,
      { authorization: basic('tier:s3cret') },
    ],
    [
      'an empty parameter, also where oidc-provider would not take it',
      `${VALID}&client_assertion=&resource=`,
      {},
    ],
    ['an empty parameter beside a full one', `${VALID}&grant_type=`, {}],
    ['100 parameters', `${VALID}${'&x='.repeat(96)}`, {}],
    ['parameters that nobody knows', `${VALID}&own=1`, {}],
  ])('%s', async (_, body, headers) => {
    expect(await post(body, headers)).toMatchObject({ status: 200 });
  });
});

describe('in front of another endpoint', () => {
  const guard = createTokenRequestGuard({
    realm: 'x',
    required: ['token'],
    mayRepeat: [],
    maximumBytes: 512,
  });
  const echo = createServer((req: GuardedRequest, res) =>
    guard(
      req,
      res,
      () => void res.end(JSON.stringify({ accept: req.headers.accept, body: String(req.body) })),
    ),
  );
  let url: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => void echo.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(echo.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise<void>((resolve) => void echo.close(() => resolve())));
  const send = (body: string) =>
    fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' },
    });

  test('hands on the body without its empty parameters, and asks for JSON', async () => {
    const answer = await send('token=a+b%2B&client_id=x&empty=&bare');
    expect(await answer.json()).toEqual({ accept: 'application/json', body: 'token=a+b%2B&client_id=x' });
  });

  test.each([
    ['without what is required there', 'client_id=x', 400],
    ['with audience twice where nothing may repeat', 'token=x&client_id=x&audience=a&audience=b', 400],
    ['with too many parameters', `token=x&client_id=x${'&a='.repeat(99)}`, 400],
    ['that is too large', `token=${'x'.repeat(512)}`, 413],
  ])('refuses a form %s', async (_, body, status) => {
    const answer = await send(body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' });
  });
});
