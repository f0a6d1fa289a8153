import { Provider } from 'oidc-provider';
import * as client from 'openid-client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ExtensionGrantValidator, GrantError } from '../src/contract.ts';
import { TOKEN_EXCHANGE_GRANT } from '../src/derive.ts';
import { registerExtensionGrants } from '../src/register.ts';
import { grantClient, grantSubject, refuse } from '../src/results.ts';
import {
  as,
  BILLING,
  ORDERS,
  startTestServer,
  subjectToken,
  TARGETS,
  type TestServer,
  USER,
} from './support/server.ts';

let server: TestServer;

let unguarded: TestServer;

beforeAll(async () => {
  server = await startTestServer();
  unguarded = await startTestServer({ guarded: false });
});

afterAll(() => Promise.all([server.close(), unguarded.close()]));

beforeEach(() => {
  for (const each of [server, unguarded]) {
    each.refused.length = 0;
    each.errors.length = 0;
    each.requests.length = 0;
    each.grant = () => grantClient({ scopes: ['orders.read'], target: ORDERS });
  }
});

const REQUEST = { grant_type: 'test', scope: 'orders.read', ...as('tier') };

describe('at start-up', () => {
  const validator = (grantType: string): ExtensionGrantValidator => ({
    grantType,
    validate: async () => refuse('invalid_grant', 'no'),
  });
  const provider = () =>
    new Provider('http://localhost', { features: { resourceIndicators: { enabled: true } } });

  test.each([
    ['two validators of one name', ['one', 'one'], /two validators/],
    ['the name of a grant that oidc-provider has', ['authorization_code'], /built in/],
    ['the name of a grant that oidc-provider has and that is off', ['client_credentials'], /built in/],
    ['the name of a grant that protocols have', ['urn:ietf:params:oauth:grant-type:device_code'], /built in/],
    ['a name with a space', ['two words'], /neither/],
    ['an empty name', [''], /neither/],
    ['a relative reference as a name', ['/grant'], /neither/],
    ['a URI with a space', ['urn:two words'], /neither/],
    ['a URI with a line break', ['urn:two\nlines'], /neither/],
  ])('%s is refused', (_, names, message) => {
    const engine = provider();
    expect(() =>
      registerExtensionGrants(engine, { validators: names.map(validator), apis: TARGETS }),
    ).toThrow(message);
  });

  test('a second registration for one provider is refused', () => {
    const engine = provider();
    registerExtensionGrants(engine, { validators: [validator('one')], apis: TARGETS });
    expect(() => registerExtensionGrants(engine, { validators: [validator('two')], apis: TARGETS })).toThrow(
      /already/,
    );
  });

  test('an engine without resource indicators is refused', () => {
    const engine = new Provider('http://localhost', { features: { resourceIndicators: { enabled: false } } });
    expect(() => registerExtensionGrants(engine, { validators: [], apis: TARGETS })).toThrow(
      /resourceIndicators/,
    );
  });

  test.each([0, -1, 1.5, Number.NaN])(
    'a greatest lifetime of %s seconds is refused',
    (maximumLifetimeSeconds) => {
      expect(() =>
        registerExtensionGrants(provider(), { validators: [], apis: TARGETS, maximumLifetimeSeconds }),
      ).toThrow(RangeError);
    },
  );

  test('the names are advertised in discovery (RFC 8414 §2)', async () => {
    const metadata = (await (await fetch(`${server.url}/.well-known/openid-configuration`)).json()) as {
      grant_types_supported: string[];
    };
    expect(metadata.grant_types_supported).toEqual(expect.arrayContaining(['test', TOKEN_EXCHANGE_GRANT]));
  });
});

/** Each request is wrong in its own step and in every later one it can be: the earliest is answered. */
const ORDER: readonly [string, string, number, Record<string, string>][] = [
  [
    'client authentication',
    'invalid_client',
    401,
    { client_secret: 'wrong', grant_type: 'unknown', scope: 'none' },
  ],
  ['an unknown client', 'invalid_client', 401, { client_id: 'nobody', grant_type: 'unknown', scope: 'none' }],
  [
    'an unknown grant',
    'unsupported_grant_type',
    400,
    { grant_type: 'unknown', scope: 'none', audience: 'none' },
  ],
  [
    'a grant the client may not use',
    'unauthorized_client',
    400,
    { client_id: 'machine', scope: 'none', audience: 'none' },
  ],
  ['a scope with characters it cannot have', 'invalid_scope', 400, { scope: 'ä', audience: 'none' }],
  ['an unknown scope', 'invalid_scope', 400, { scope: 'none', audience: 'none' }],
  ['scopes of two APIs', 'invalid_scope', 400, { scope: 'orders.read billing', audience: 'none' }],
  [
    'a scope not registered for the client',
    'invalid_scope',
    400,
    { scope: 'orders.admin', audience: 'none' },
  ],
  ['an unknown audience', 'invalid_target', 400, { audience: 'none' }],
  ['an unknown resource', 'invalid_target', 400, { resource: 'https://elsewhere.example' }],
  ['audience and resource that differ', 'invalid_target', 400, { audience: 'orders', resource: BILLING }],
  ['an audience that is not the scope’s', 'invalid_target', 400, { audience: 'billing' }],
];

describe.each([
  ['behind the request guard', () => server],
  ['without it', () => unguarded],
])('checks in their order, %s', (_, serverOf) => {
  test.each(ORDER)('%s: %s', async (_title, error, status, wrong) => {
    const response = await serverOf().post({ ...REQUEST, ...wrong });
    const body = (await response.json()) as Record<string, unknown>;
    expect({ status: response.status, error: body['error'] }).toEqual({ status, error });
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(serverOf().requests).toEqual([]);
  });

  test('a repeated parameter other than audience and resource: invalid_request (RFC 6749 §3.2)', async () => {
    const response = await serverOf().post(
      `${new URLSearchParams(REQUEST).toString()}&unheard_of=1&unheard_of=2`,
    );
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
    expect(response.status).toBe(400);
  });

  test('then the validator: it has every parameter save the credentials', async () => {
    const form = [
      ...Object.entries(REQUEST),
      ['token', 't'],
      ['own', 'x'],
      ['audience', 'orders'],
      ['audience', ORDERS],
      ['resource', ''],
      ['empty', ''],
    ] as [string, string][];
    expect((await serverOf().post(form)).status).toBe(200);
    const [request] = serverOf().requests;
    expect(request).toMatchObject({
      grantType: 'test',
      client: { id: 'tier', scopes: ['orders.read', 'orders.write', 'billing'] },
      scopes: ['orders.read'],
      target: ORDERS,
      audience: 'orders',
      resource: undefined,
      dpopThumbprint: undefined,
    });
    expect({ ...request?.raw }).toEqual({
      grant_type: 'test',
      client_id: 'tier',
      scope: 'orders.read',
      token: 't',
      own: 'x',
      audience: ['orders', ORDERS],
    });
  });
});

describe('a refusal', () => {
  test.each<[GrantError, number]>([
    ['invalid_request', 400],
    ['invalid_client', 401],
    ['invalid_grant', 400],
    ['unauthorized_client', 400],
    ['invalid_scope', 400],
    ['invalid_target', 400],
    ['temporarily_unavailable', 503],
  ])('with %s has the status %i (RFC 6749 §5.2)', async (error, status) => {
    server.grant = () => refuse(error, 'no');
    const response = await server.post(REQUEST);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error, error_description: 'no' });
    expect(response.headers.has('www-authenticate')).toBe(status === 401);
  });

  test('says its reason, brings its members and a Retry-After, and keeps its detail to itself', async () => {
    const from = subjectToken();
    server.grant = () =>
      refuse('temporarily_unavailable', 'later, "please" – ok', {
        reason: 'subscription',
        detail: 'secret',
        retryAfterSeconds: 4.2,
        response: { upgrade: { plan: 'x' } },
        subjectToken: from,
      });
    const response = await server.post(REQUEST);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await response.json()).toEqual({
      error: 'temporarily_unavailable',
      error_description: "later, 'please' ? ok",
      reason: 'subscription',
      upgrade: { plan: 'x' },
    });
    expect(server.refused).toEqual([
      {
        grantType: 'test',
        clientId: 'tier',
        error: 'temporarily_unavailable',
        reason: 'subscription',
        detail: 'secret',
        subjectToken: from,
        scopes: ['orders.read'],
        target: ORDERS,
        now: expect.any(Number) as number,
      },
    ]);
  });

  test('is what a validator means that returns nothing', async () => {
    server.grant = () => undefined;
    const response = await server.post(REQUEST);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: 'invalid_grant' });
    expect(server.refused).toMatchObject([{ error: 'invalid_grant', detail: 'no_result' }]);
  });

  test('is JSON though the client asks for HTML', async () => {
    for (const each of [server, unguarded]) {
      each.grant = () => refuse('invalid_grant', 'no');
      const response = await each.post(REQUEST, { accept: 'text/html' });
      expect(response.headers.get('content-type')).toContain('application/json');
      expect(await response.json()).toMatchObject({ error: 'invalid_grant' });
    }
  });

  test('of a client that is not authenticated is not reported', async () => {
    await server.post({ ...REQUEST, client_secret: 'wrong' });
    await server.post({ ...REQUEST, client_id: 'nobody' });
    await server.post({ ...REQUEST, client_secret: 'wrong', grant_type: 'unknown', scope: 'none' });
    expect(server.refused).toEqual([]);
  });

  test.each([
    [{ grant_type: 'unknown' }, { grantType: 'unknown', error: 'unsupported_grant_type' }],
    [{ client_id: 'machine' }, { clientId: 'machine', error: 'unauthorized_client' }],
    [{ scope: 'none' }, { error: 'invalid_scope', reason: 'policy', scopes: [], target: undefined }],
    [{ audience: 'none' }, { error: 'invalid_target', reason: 'policy' }],
  ])('before the validator is reported too: %j', async (wrong, expected) => {
    await server.post({ ...REQUEST, ...wrong });
    expect(server.refused).toMatchObject([expected]);
  });

  test('stands when it cannot be reported', async () => {
    const failures: unknown[] = [];
    const broken = await startTestServer({
      onRefused: () => Promise.reject(new Error('the ledger is down')),
      logger: { error: ({ err }) => void failures.push(err) },
    });
    try {
      const response = await broken.post({ ...REQUEST, scope: 'none' });
      expect(await response.json()).toMatchObject({ error: 'invalid_scope' });
      expect(failures).toEqual([new Error('the ledger is down')]);
    } finally {
      await broken.close();
    }
  });
});

test.each([
  ['an error', new Error('database password is hunter2')],
  [
    'an error that claims to be fit for the wire',
    Object.assign(new Error('hunter2'), { statusCode: 400, expose: true }),
  ],
])('a validator that throws %s is a 500 without details', async (_, error) => {
  server.grant = () => Promise.reject(error);
  const response = await server.post(REQUEST);
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({
    error: 'server_error',
    error_description: 'oops! something went wrong',
  });
  expect(server.errors[0]?.cause).toBe(error);
  expect(server.refused).toEqual([]);
});

test('openid-client’s generic grant gets a token', async () => {
  server.grant = () =>
    grantSubject({ subject: USER, actor: 'tier', subjectToken: subjectToken(), response: { hint: 'x' } });
  const configuration = await client.discovery(new URL(server.url), 'tier', 's3cret', undefined, {
    // oxlint-disable-next-line typescript/no-deprecated -- the test's server is on loopback
    execute: [client.allowInsecureRequests],
  });
  const answer = await client.genericGrantRequest(configuration, 'test', { scope: 'billing', token: 't' });
  expect(answer).toMatchObject({ token_type: 'bearer', scope: 'billing', hint: 'x', expires_in: 300 });
});

test('oidc-provider’s own grants are left as they are', async () => {
  const response = await server.post({
    grant_type: 'client_credentials',
    scope: 'billing',
    resource: BILLING,
    ...as('machine'),
  });
  expect(await response.json()).toMatchObject({ token_type: 'Bearer', scope: 'billing' });
});
