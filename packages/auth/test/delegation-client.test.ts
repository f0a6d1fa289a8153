import { generateKeyPair } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createDelegationClient,
  type DelegationClient,
  type DelegationClientOptions,
  type ExchangeReport,
} from '../src/delegation-client.ts';
import { DelegationError } from '../src/delegation-error.ts';
import { createTestIssuer, type TestAnswer, type TestIssuerServer } from '../src/testing.ts';

const NEXT_API = 'https://next.example';

let now = 0;

const issuer = createTestIssuer({ now: () => now });

let server: TestIssuerServer;

let client: DelegationClient;

let forms: Record<string, string | string[]>[];

let count: number;

const create = (options: Partial<DelegationClientOptions> = {}) =>
  createDelegationClient({
    issuer: issuer.issuer,
    address: server.address,
    clientId: 'api1.client',
    clientSecret: 'a secret',
    now: () => now,
    ...options,
  });

beforeEach(async () => {
  now = 1_800_000_000;
  count = 0;
  forms = [];
  server = await issuer.listen();
  server.onToken((form) => {
    forms.push(
      Object.fromEntries(
        [...form.keys()].map((name) => [
          name,
          form.getAll(name).length > 1 ? form.getAll(name) : (form.get(name) ?? ''),
        ]),
      ),
    );
    count += 1;
    return issued(`token-${count}`);
  });
  client = create();
});

afterEach(() => server.close());

function issued(token: string, members: Record<string, unknown> = {}): TestAnswer {
  return {
    status: 200,
    body: { access_token: token, token_type: 'Bearer', expires_in: 300, scope: 'api2', ...members },
  };
}

describe('the grants on the wire', () => {
  const credentials = { client_id: 'api1.client', client_secret: 'a secret' };

  it('delegate sends the delegation grant', async () => {
    expect(await client.delegate({ token: 'T', scopes: ['api2', 'more'], audience: 'api2' })).toEqual({
      accessToken: 'token-1',
      tokenType: 'bearer',
      expiresAt: now + 300,
      scopes: ['api2'],
      issuedTokenType: undefined,
    });
    expect(forms).toEqual([
      { ...credentials, grant_type: 'delegation', token: 'T', scope: 'api2 more', audience: 'api2' },
    ]);
  });

  it('translate sends the translation grant', async () => {
    await client.translate({ token: 'T', scopes: [] });
    expect(forms).toEqual([{ ...credentials, grant_type: 'translation', token: 'T' }]);
  });

  it('exchange sends token exchange (RFC 8693 §2.1)', async () => {
    const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
    server.onToken((form) => {
      forms.push(Object.fromEntries(form));
      return issued('x', { issued_token_type: accessToken, token_type: 'N_A' });
    });
    const token = await client.exchange({
      subjectToken: 'S',
      actorToken: 'A',
      resource: NEXT_API,
      requestedTokenType: accessToken,
    });
    expect(token).toMatchObject({ issuedTokenType: accessToken, tokenType: 'n_a' });
    expect(forms).toEqual([
      {
        ...credentials,
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: 'S',
        subject_token_type: accessToken,
        actor_token: 'A',
        actor_token_type: accessToken,
        requested_token_type: accessToken,
        resource: NEXT_API,
      },
    ]);
  });

  it('requestCustomGrant sends any grant, repeated parameters too, and leaves empty ones out', async () => {
    await client.requestCustomGrant('urn:example:grant', { a: '1', b: ['2', '3'], c: undefined, d: '' });
    expect(forms).toEqual([{ ...credentials, grant_type: 'urn:example:grant', a: '1', b: ['2', '3'] }]);
  });

  it.each(['grant_type', 'client_id', 'client_secret', 'client_assertion', 'client_assertion_type'])(
    'does not let a parameter replace %s',
    async (name) => {
      await expect(client.requestCustomGrant('g', { [name]: 'x' })).rejects.toThrow(TypeError);
      expect(forms).toEqual([]);
    },
  );

  it('authenticates with HTTP Basic when it is told so (RFC 6749 §2.3.1)', async () => {
    let authorization: string | undefined;
    server.onToken((form, request) => {
      ({ authorization } = request.headers);
      forms.push(Object.fromEntries(form));
      return issued('x');
    });
    await create({ tokenEndpointAuthMethod: 'client_secret_basic' }).delegate({ token: 'T' });
    expect(decodeURIComponent(atob(authorization?.replace('Basic ', '') ?? ''))).toBe('api1.client:a+secret');
    expect(forms).toEqual([{ grant_type: 'delegation', token: 'T' }]);
  });

  it('authenticates with a signed assertion instead of a secret (RFC 7523)', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    await create({ clientSecret: undefined, privateKey }).delegate({ token: 'T' });
    expect(forms[0]).toMatchObject({
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
    expect(forms[0]).not.toHaveProperty('client_secret');
  });
});

describe('what a client makes of a token', () => {
  it('is what stands beside it: nothing in it, nor a member nobody knows (RFC 9068 §6, RFC 6749 §5.1)', async () => {
    const accessToken = issuer.mint({ exp: now - 60, scope: 'everything', sub: 'somebody else' });
    server.onToken(() => issued(accessToken, { unheard_of: { expires_in: 1 } }));
    expect(await client.delegate({ token: 'T' })).toEqual({
      accessToken,
      tokenType: 'bearer',
      expiresAt: now + 300,
      scopes: ['api2'],
      issuedTokenType: undefined,
    });
  });

  it.each(['mac', 'N_A'])('is nothing when its type is %j (RFC 6749 §7.1)', async (tokenType) => {
    server.onToken(() => issued('x', { token_type: tokenType }));
    await expect(client.delegate({ token: 'T' })).rejects.toThrow(DelegationError);
    await expect(client.delegate({ token: 'T' })).rejects.toMatchObject({ kind: 'refused' });
  });

  it('is any security token when it was exchanged and its type is N_A (RFC 8693 §2.2.1)', async () => {
    server.onToken(() => issued('x', { token_type: 'N_A', issued_token_type: 'urn:example:saml' }));
    const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
    expect(await client.exchange({ subjectToken: 'T' })).toMatchObject({ tokenType: 'n_a' });
    expect(await client.requestCustomGrant(grantType, { subject_token: 'T' })).toMatchObject({
      tokenType: 'n_a',
      issuedTokenType: 'urn:example:saml',
    });
  });

  it('is nothing for its own actor token, whoever that names (RFC 9068 §6)', async () => {
    const request = { subjectToken: 'S', actorToken: issuer.mint({ sub: 'api1.client', sid: 'own' }) };
    const token = await client.exchange(request);
    client.forgetSubject('api1.client');
    client.forgetSession('own');
    expect(await client.exchange(request)).toBe(token);
  });
});

describe('set-up', () => {
  it('starts before the authorization server and discovers it when it is there', async () => {
    server.failWith('cut');
    await expect(client.delegate({ token: 'T' })).rejects.toMatchObject({ kind: 'unavailable' });
    server.failWith(undefined);
    expect(await client.delegate({ token: 'T' })).toMatchObject({ accessToken: 'token-1' });
    await client.delegate({ token: 'U' });
    expect(server.requests.filter((path) => path.startsWith('/.well-known'))).toHaveLength(2);
  });

  it('refuses plain http to another machine unless it was allowed (RFC 9700 §2.6)', () => {
    expect(() => create({ address: 'http://sts.internal' })).toThrow(TypeError);
    expect(() => create({ address: 'http://sts.internal', allowInsecureHttp: true })).not.toThrow();
  });

  it('sends no secret to an unsafe address that the discovery document names (RFC 9700 §2.6)', async () => {
    const seen: string[] = [];
    const metadata = { issuer: issuer.issuer, token_endpoint: 'http://evil.example/token' };
    const misled = create({
      address: undefined,
      fetch: (url) => {
        seen.push(url);
        return Promise.resolve(Response.json(metadata));
      },
    });
    await expect(misled.delegate({ token: 'T' })).rejects.toMatchObject({ kind: 'unavailable' });
    expect(seen).toEqual([`${issuer.issuer}/.well-known/openid-configuration`]);
  });

  it('needs exactly one way to authenticate', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    expect(() => create({ clientSecret: undefined })).toThrow(TypeError);
    expect(() => create({ privateKey })).toThrow(TypeError);
  });

  it('does not work for an issuer with a slash more, and says why', async () => {
    const warnings: string[] = [];
    const misled = create({
      issuer: `${issuer.issuer}/`,
      onWarning: (message) => void warnings.push(message),
    });
    const why = `calls itself "${issuer.issuer}", and the option issuer says "${issuer.issuer}/"`;
    await expect(misled.delegate({ token: 'T' })).rejects.toThrow(why);
    expect(warnings).toEqual([expect.stringContaining(why)]);
  });
});

describe('withToken', () => {
  const source = () => client.delegate({ token: 'T' });

  it('drops a token that the API answers 401 to and calls once more with another', async () => {
    const seen: string[] = [];
    const answer = await client.withToken(source, ({ accessToken }) => {
      seen.push(accessToken);
      return Promise.resolve(new Response('{}', { status: seen.length === 1 ? 401 : 200 }));
    });
    expect(answer.status).toBe(200);
    expect(seen).toEqual(['token-1', 'token-2']);
  });

  it('takes the second 401 as the answer', async () => {
    const answer = await client.withToken(source, () => Promise.resolve({ status: 401 }));
    expect(answer.status).toBe(401);
    expect(count).toBe(2);
  });

  it('calls once when the API answers anything else', async () => {
    for (const status of [200, 403, 404, 500, 503])
      await client.withToken(source, () => Promise.resolve({ status }));
    expect(count).toBe(1);
  });

  it('does not drop the newer token that another call has put in place', async () => {
    const old = await source();
    client.forget(old);
    const newer = await source();
    client.forget(old);
    expect(await source()).toBe(newer);
  });
});

describe('observedBy', () => {
  const watch = () => {
    const reports: ExchangeReport[] = [];
    return { reports, observed: client.observedBy((report) => void reports.push(report)) };
  };

  it('tells where each token came from, over the same cache', async () => {
    const { reports, observed } = watch();
    const [token] = await Promise.all([
      observed.delegate({ token: 'T' }),
      observed.delegate({ token: 'T' }),
      client.delegate({ token: 'T' }),
    ]);
    await observed.delegate({ token: 'T' });
    await observed.exchange({ subjectToken: 'T' });
    expect(reports.map(({ grantType, origin }) => [grantType, origin])).toEqual([
      ['delegation', 'issuer'],
      ['delegation', 'shared'],
      ['delegation', 'cache'],
      ['urn:ietf:params:oauth:grant-type:token-exchange', 'issuer'],
    ]);
    expect(reports[0]?.token).toBe(token);
    expect(reports.every(({ durationMs, startedAtMs }) => durationMs >= 0 && startedAtMs > 0)).toBe(true);
    expect(count).toBe(2);
  });

  it('asks the issuer each time for what is not kept', async () => {
    const { reports, observed } = watch();
    for (let turn = 0; turn < 2; turn++) await observed.requestCustomGrant('g', {}, { cache: false });
    expect(reports.map(({ origin }) => origin)).toEqual(['issuer', 'issuer']);
  });

  it('tells of a refusal, and the refusal reaches the caller all the same', async () => {
    server.onToken(() => ({ status: 400, body: { error: 'invalid_grant', reason: 'policy' } }));
    const { reports, observed } = watch();
    await expect(observed.delegate({ token: 'T' })).rejects.toMatchObject({ reason: 'policy' });
    expect(reports).toEqual([
      expect.objectContaining({
        origin: 'issuer',
        error: expect.objectContaining({ error: 'invalid_grant', status: 400 }) as unknown,
      }),
    ]);
    expect(reports[0]).not.toHaveProperty('token');
  });

  it('tells one caller only of its own', async () => {
    const [one, other] = [watch(), watch()];
    await one.observed.withToken(
      () => one.observed.delegate({ token: 'T' }),
      () => Promise.resolve({ status: 401 }),
    );
    expect([one.reports.length, other.reports.length]).toEqual([2, 0]);
  });
});
