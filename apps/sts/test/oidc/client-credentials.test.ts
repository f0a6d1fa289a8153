import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post } from '../support/sign-in.ts';
import { API1, startTestSts, type TestSts } from '../support/sts.ts';

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

const token = (form: Record<string, string>) => post(`${sts.issuer}/connect/token`, form);

describe('client_credentials', () => {
  const machine = { grant_type: 'client_credentials', client_id: 'machine.client', client_secret: 'secret' };

  test('gives a token of the client itself, without a user', async () => {
    const answer = await token({ ...machine, scope: 'api1' });
    expect(answer.body).toMatchObject({ expires_in: 300, scope: 'api1' });
    const claims = decodeJwt(String(answer.body['access_token']));
    expect(claims).toMatchObject({ sub: 'machine.client', client_id: 'machine.client', aud: API1 });
    expect(claims).not.toHaveProperty('sid');
    expect(claims).not.toHaveProperty('amr');
  });

  const refused = [
    { why: 'without a scope', scope: '', resource: '', error: 'invalid_scope' },
    { why: 'without a scope, with a resource', scope: '', resource: API1, error: 'invalid_scope' },
    { why: 'with scopes of two APIs', scope: 'api1 api2', resource: '', error: 'invalid_scope' },
    {
      why: 'with a scope that is not registered for it',
      scope: 'api2.premium',
      resource: '',
      error: 'invalid_scope',
    },
    {
      why: 'with one such scope beside a good one',
      scope: 'api2 api2.premium',
      resource: '',
      error: 'invalid_scope',
    },
    { why: 'with an unknown scope', scope: 'nothing', resource: '', error: 'invalid_scope' },
    { why: 'with openid', scope: 'openid', resource: '', error: 'invalid_scope' },
    {
      why: 'with a resource that is not the scope’s',
      scope: 'api1',
      resource: 'http://localhost:4002',
      error: 'invalid_target',
    },
    {
      why: 'with an unknown resource',
      scope: 'api1',
      resource: 'http://localhost:9999',
      error: 'invalid_target',
    },
  ];
  test.each(refused)('is refused $why', async ({ scope, resource, error }) => {
    expect(await token({ ...machine, scope, resource })).toMatchObject({ status: 400, body: { error } });
  });

  test('gives a middle tier nothing but the actor scope', async () => {
    const client = { ...machine, client_id: 'api1.client' };
    expect((await token({ ...client, scope: 'actor' })).body).toMatchObject({ scope: 'actor' });
    expect((await token({ ...client, scope: 'api2' })).body['error']).toBe('invalid_scope');
  });
});

test('no client’s own token has a user’s scope, whatever its registration says (RFC 9700 §4.15)', async () => {
  await sts.state.clients.upsert({
    id: 'sessions.client',
    firstParty: true,
    scopes: ['account', 'api1'],
    metadata: {
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
  });
  await sts.state.clients.addSecret('sessions.client', 'a secret');
  const ask = (scope: string) =>
    token({
      grant_type: 'client_credentials',
      client_id: 'sessions.client',
      client_secret: 'a secret',
      scope,
    });
  expect(await ask('account')).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
  expect(await ask('api1')).toMatchObject({ status: 200 });
});
