/** Chains that a client starts in its own name, without a user: `machine.client` calls API1, which calls API2. */

import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ACCESS_TOKEN_TYPE } from '../../src/grants/token-exchange.ts';
import { accessTokenOf, send, type Answer } from '../support/requests.ts';
import { authorizeUrl, basic, newVerifier, post, signIn } from '../support/sign-in.ts';
import { addConfidentialClient, API2, startTestSts, type TestSts } from '../support/sts.ts';

let sts: TestSts;
let machine: string;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

const token = (form: Record<string, string>, clientId: string): Promise<Answer> =>
  send(`${sts.issuer}/connect/token`, { form, headers: basic(clientId) });

const delegate = (subjectToken: string, form: Record<string, string> = {}) =>
  token({ grant_type: 'delegation', token: subjectToken, ...form }, 'api1.client');

const exchange = (subjectToken: string, clientId = 'api1.client') =>
  token(
    { grant_type: TOKEN_EXCHANGE_GRANT, subject_token: subjectToken, subject_token_type: ACCESS_TOKEN_TYPE },
    clientId,
  );

const isActive = async (accessToken: string, clientId: string) =>
  (await send(`${sts.issuer}/connect/introspect`, { form: { token: accessToken }, headers: basic(clientId) }))
    .body['active'];

beforeEach(async () => {
  machine = accessTokenOf(await token({ grant_type: 'client_credentials', scope: 'api1' }, 'machine.client'));
});

describe('a token that was exchanged for a client', () => {
  test.each([
    ['delegation', () => delegate(machine)],
    ['token exchange', () => exchange(machine)],
  ])(
    'by %s names the client as its subject and the middle tier as the actor, and no login',
    async (_, ask) => {
      const claims = decodeJwt(accessTokenOf(await ask()));
      expect(claims).toEqual({
        iss: sts.issuer,
        sub: 'machine.client',
        aud: API2,
        client_id: 'api1.client',
        scope: 'api2.statistics',
        act: { sub: 'api1.client' },
        iat: expect.any(Number) as number,
        exp: expect.any(Number) as number,
        jti: expect.any(String) as string,
      });
      expect(claims.exp).toBeLessThanOrEqual(decodeJwt(machine).exp ?? 0);
    },
  );

  test('leads to no other one', async () => {
    const derived = accessTokenOf(await delegate(machine));
    const answers = [await exchange(derived, 'api2.client'), await delegate(derived)];
    expect(answers.map(({ status }) => status)).toEqual([400, 400]);
  });

  test('is in the ledger without a user, below the token that it came from', async () => {
    const { jti } = decodeJwt(accessTokenOf(await delegate(machine)));
    const row = await sts.state.database.db
      .selectFrom('ledger')
      .selectAll()
      .where('id', '=', String(jti))
      .executeTakeFirst();
    expect(row).toMatchObject({
      parent: decodeJwt(machine).jti,
      subject: null,
      session: null,
      actors: '["api1.client"]',
    });
  });

  test.each([
    ['for a scope of users', { scope: 'api2' }],
    ['by translation', { grant_type: 'translation' }],
    ['at another API', { audience: 'subscriptions' }],
  ])('is refused %s, because there is no user', async (_, form) => {
    const { status, body } = await delegate(machine, form);
    expect([status, body]).toMatchObject([400, { error: 'invalid_grant', reason: 'subject_token' }]);
  });
});

describe('ends', () => {
  let derived: string;
  beforeEach(async () => {
    derived = accessTokenOf(await delegate(machine));
  });

  test.each(['machine.client', 'api1.client'])(
    'when %s is disabled, and with it the next exchange',
    async (id) => {
      expect(await isActive(derived, 'api2.client')).toBe(true);
      await sts.state.clients.setDisabled(id, true);
      try {
        expect(await isActive(derived, 'api2.client')).toBe(false);
        expect((await delegate(machine)).status).toBeGreaterThanOrEqual(400);
      } finally {
        await sts.state.clients.setDisabled(id, false);
      }
      expect(await isActive(derived, 'api2.client'), 'for good').toBe(false);
    },
  );

  test('when the token that it came from is revoked', async () => {
    const form = { token: machine };
    await send(`${sts.issuer}/connect/revocation`, { form, headers: basic('machine.client') });
    expect(await isActive(derived, 'api2.client')).toBe(false);
    expect((await delegate(machine)).body).toMatchObject({ error: 'invalid_grant', reason: 'subject_token' });
  });
});

describe('the scope for clients', () => {
  test('is never in a token for a user: not by exchange', async () => {
    const { accessToken } = await signIn(sts.issuer);
    for (const scope of ['api2.statistics', 'api2 api2.statistics'])
      expect((await delegate(accessToken, { scope })).body).toMatchObject({ error: 'invalid_scope' });
    expect(decodeJwt(accessTokenOf(await delegate(accessToken)))).toMatchObject({ scope: 'api2' });
  });

  test('is never in a token of a sign-in, whatever the client is registered for', async () => {
    const { request, credentials } = await addConfidentialClient(sts);
    const registered = await sts.state.clients.find(request.client_id);
    await sts.state.clients.upsert({
      ...(registered as NonNullable<typeof registered>),
      scopes: ['api1', 'api2', 'api2.statistics'],
    });
    const codeVerifier = newVerifier();
    const parameters = { ...request, scope: 'openid api2 api2.statistics' };
    const { browser } = await signIn(sts.issuer);
    const page = await browser.open(authorizeUrl(sts.issuer, codeVerifier, { parameters, resource: [API2] }));
    const code = new URL(page.url).searchParams.get('code') ?? '';
    const { body } = await post(`${sts.issuer}/connect/token`, {
      ...credentials,
      grant_type: 'authorization_code',
      code,
      code_verifier: codeVerifier,
      resource: API2,
    });
    expect(decodeJwt(String(body['access_token']))).toMatchObject({ aud: API2, scope: 'api2' });
  });

  test('is not what a middle tier gets for itself', async () => {
    const answer = await token(
      { grant_type: 'client_credentials', scope: 'api2.statistics', resource: API2 },
      'api1.client',
    );
    expect(answer.body).toMatchObject({ error: 'invalid_scope' });
  });
});
