import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertionForm, type AssertionOptions, clientAssertion } from '../support/client-assertion.ts';
import { post } from '../support/sign-in.ts';
import { startTestSts, type TestSts } from '../support/sts.ts';

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

const token = (form: Record<string, string>) => post(`${sts.issuer}/connect/token`, form);

describe('client authentication', () => {
  const form = { grant_type: 'client_credentials', scope: 'api1' };
  const cases = [
    { why: 'a wrong secret', fields: { client_id: 'machine.client', client_secret: 'wrong' } },
    { why: 'no secret', fields: { client_id: 'machine.client' } },
    { why: 'an unknown client', fields: { client_id: 'nobody', client_secret: 'secret' } },
    { why: 'the client that only the server acts as', fields: { client_id: 'userSubscriptionClient' } },
    { why: 'no client at all', fields: {} },
  ];
  test.each(cases)('refuses $why with 401 invalid_client (RFC 6749 §5.2)', async ({ fields }) => {
    const answer = await token({ ...form, ...fields });
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('does not take a secret followed by NUL', async () => {
    const answer = await token({ ...form, client_id: 'machine.client', client_secret: 'secret\0' });
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test('refuses a disabled client like an unknown one', async () => {
    await sts.state.clients.upsert({
      id: 'gone.client',
      metadata: {
        client_id: 'gone.client',
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
      scopes: ['api1'],
      firstParty: true,
    });
    await sts.state.clients.addSecret('gone.client', 'its secret');
    const credentials = { ...form, client_id: 'gone.client', client_secret: 'its secret' };
    expect((await token(credentials)).status).toBe(200);
    await sts.state.clients.setDisabled('gone.client', true);
    expect(await token(credentials)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });
});

describe('private_key_jwt (RFC 7523)', () => {
  const authenticate = (assertion: string) => token(assertionForm(assertion));

  test('gets a token with an assertion signed by its registered key', async () => {
    expect((await authenticate(await clientAssertion(sts))).status).toBe(200);
  });

  test('an assertion is good once, also under parallel attempts (RFC 7523 §3)', async () => {
    const used = await clientAssertion(sts);
    const answers = await Promise.all(Array.from({ length: 8 }, () => authenticate(used)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await authenticate(used)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test.each<{ why: string; options: AssertionOptions }>([
    { why: 'for another server', options: { audience: 'https://elsewhere.example' } },
    { why: 'that has expired', options: { expiresIn: '-60 s' } },
    { why: 'for another server, too', options: { alsoFor: 'https://elsewhere.example' } },
    { why: 'that lives for more than an hour', options: { expiresIn: '2 h' } },
    { why: 'from the future', options: { claims: { iat: Math.floor(Date.now() / 1000) + 60 } } },
    {
      why: 'that may be used only in a minute',
      options: { claims: { nbf: Math.floor(Date.now() / 1000) + 60 } },
    },
    { why: 'of another client', options: { subject: 'machine.client' } },
  ])('refuses an assertion $why', async ({ options }) => {
    const answer = await authenticate(await clientAssertion(sts, options));
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test.each(['/connect/token', '/connect/par', ''])(
    'refuses an assertion for the address %s (FAPI 2.0 §5.3.2.1)',
    async (path) => {
      const audience = path === '' ? [sts.issuer] : `${sts.issuer}${path}`;
      const answer = await authenticate(await clientAssertion(sts, { claims: { aud: audience } }));
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    },
  );

  test('takes an assertion whose clock is 8 s ahead', async () => {
    const ahead = Math.floor(Date.now() / 1000) + 8;
    const answer = await authenticate(await clientAssertion(sts, { claims: { nbf: ahead, iat: ahead } }));
    expect(answer.status).toBe(200);
  });

  const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
  test.each([
    { why: 'about another client than client_id', form: { client_id: 'machine.client' } },
    { why: 'of no type', form: { client_assertion_type: '' } },
    { why: 'of another type', form: { client_assertion_type: JWT_BEARER.replace('jwt', 'saml2') } },
    { why: 'that is no JWT', form: { client_assertion: 'x' } },
  ])(
    'refuses an assertion $why at every endpoint with 401 invalid_client (RFC 7523 §3.2)',
    async ({ form }) => {
      for (const path of ['token', 'introspect', 'revocation', 'par']) {
        const credentials = assertionForm(await clientAssertion(sts));
        const answer = await post(`${sts.issuer}/connect/${path}`, { ...credentials, token: 'x', ...form });
        expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
        expect(answer.headers.get('www-authenticate')).toBe(`Basic realm="${sts.issuer}"`);
      }
    },
  );

  test('does not take a secret from a client that has a key', async () => {
    const answer = await token({
      grant_type: 'client_credentials',
      scope: 'api1',
      client_id: 'jwt.client',
      client_secret: 'secret',
    });
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });
});
