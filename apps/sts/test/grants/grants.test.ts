/** The grants as clients meet them: the whole server over HTTP, its real database, real sign-ins. */

import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCESS_TOKEN_TYPE, JWT_TYPE } from '../../src/grants/token-exchange.ts';
import { ALICE } from '../../src/registry/users-and-issuers.ts';
import { signAsPartner } from '../support/partner.ts';
import { basic, post, signIn, type TokenAnswer } from '../support/sign-in.ts';
import { API1, API2, startTestSts, SUBSCRIPTIONS, type TestSts } from '../support/sts.ts';
import { startTestSubscriptions, type TestSubscriptions } from '../support/subscriptions.ts';

let subscriptions: TestSubscriptions;

let sts: TestSts;

let alice: Awaited<ReturnType<typeof signIn>>;

let bob: typeof alice;

let carol: typeof alice;

let dave: typeof alice;

beforeAll(async () => {
  subscriptions = await startTestSubscriptions();
  sts = await startTestSts({ environment: { SUBSCRIPTIONS_URL: subscriptions.url } });
  const enter = (username: string) => signIn(sts.issuer, { username });
  [alice, bob, carol, dave] = await Promise.all([
    enter('alice'),
    enter('bob'),
    enter('carol'),
    enter('dave'),
  ]);
});

afterAll(async () => {
  await sts.close();
  await subscriptions.close();
});

function token(form: Record<string, string>, clientId = 'api1.client'): Promise<TokenAnswer> {
  return post(`${sts.issuer}/connect/token`, form, basic(clientId));
}

const delegate = (form: Record<string, string>) => token({ grant_type: 'delegation', ...form });

const translate = (form: Record<string, string>) => token({ grant_type: 'translation', ...form });

const exchange = (form: Record<string, string>, clientId?: string) =>
  token({ grant_type: TOKEN_EXCHANGE_GRANT, subject_token_type: ACCESS_TOKEN_TYPE, ...form }, clientId);

const accessTokenOf = ({ body }: TokenAnswer) => String(body['access_token']);

const claimsOf = (answer: TokenAnswer) => decodeJwt(accessTokenOf(answer));

describe('delegation', () => {
  test('answers with a token for API2, and with nothing else (RFC 6749 §5.1)', async () => {
    const answer = await delegate({ scope: 'api2', token: alice.accessToken });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('pragma')).toBe('no-cache');
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'api2',
    });
  });

  test('works with the credentials in the body, as the documents describe it', async () => {
    const answer = await post(`${sts.issuer}/connect/token`, {
      grant_type: 'delegation',
      scope: 'api2',
      token: alice.accessToken,
      client_id: 'api1.client',
      client_secret: 'secret',
    });
    expect(answer.status).toBe(200);
  });

  test('gives an RFC 9068 token: same user and login, the client as the actor, for API2 alone', async () => {
    const answer = await delegate({ scope: 'api2', token: alice.accessToken });
    const [user, delegated] = [decodeJwt(alice.accessToken), claimsOf(answer)];
    expect(decodeProtectedHeader(accessTokenOf(answer))).toMatchObject({ typ: 'at+jwt', alg: 'ES256' });
    expect(delegated).toEqual({
      iss: sts.issuer,
      sub: ALICE,
      aud: API2,
      client_id: 'api1.client',
      scope: 'api2',
      act: { sub: 'api1.client' },
      sid: user['sid'],
      auth_time: user['auth_time'],
      amr: user['amr'],
      iat: expect.any(Number),
      exp: expect.any(Number),
      jti: expect.any(String),
    });
    expect(delegated.jti).not.toBe(user.jti);
  });

  test.each<[string, Record<string, string>]>([
    ['a missing token', {}],
    ['an empty token', { token: '' }],
    ['a token that is none', { token: 'nonsense' }],
  ])('%s is invalid_grant', async (_title, form) => {
    const answer = await delegate({ scope: 'api2', ...form });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant', reason: 'subject_token' } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('an ID token is no access token (RFC 9068 §4)', async () => {
    const answer = await delegate({ scope: 'api2', token: alice.idToken });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant', reason: 'subject_token' } });
  });

  test('a refresh token is no access token', async () => {
    const answer = await delegate({ scope: 'api2', token: alice.refreshToken });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  test.each([
    ['audience', 'api2'],
    ['audience', API2],
    ['resource', API2],
  ])('takes %s=%s', async (name, value) => {
    expect(await delegate({ token: alice.accessToken, [name]: value })).toMatchObject({
      status: 200,
      body: { scope: 'api2' },
    });
  });

  test('nobody registered may act for dave (RFC 8693 §4.4)', async () => {
    const answer = await delegate({ scope: 'api2', token: dave.accessToken });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant', reason: 'policy' } });
  });
});

describe('translation', () => {
  test('says in the token which subscription the user has', async () => {
    const answer = await translate({ scope: 'api2.premium', token: alice.accessToken });
    expect(answer).toMatchObject({ status: 200, body: { scope: 'api2.premium' } });
    expect(claimsOf(answer)).toMatchObject({
      sub: ALICE,
      act: { sub: 'api1.client' },
      subscription: { plan: 'premium', status: 'active', renews_at: '2030-01-01T00:00:00.000Z' },
    });
  });

  test('asks with a token of 15 s that the server issues to itself', async () => {
    await translate({ token: alice.accessToken });
    const claims = decodeJwt(subscriptions.tokens.at(-1) ?? '');
    expect(claims).toMatchObject({
      iss: sts.issuer,
      sub: 'userSubscriptionClient',
      client_id: 'userSubscriptionClient',
      aud: SUBSCRIPTIONS,
      scope: 'subscriptions.read',
    });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(15);
    expect(claims).not.toHaveProperty('act');
  });

  test.each([
    ['bob’s has lapsed', () => bob, /lapsed/],
    ['carol has none', () => carol, /no subscription/],
  ])('%s: invalid_grant, and the description says so', async (_title, user, description) => {
    const answer = await translate({ token: user().accessToken });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant', reason: 'subscription' } });
    expect(answer.body['error_description']).toMatch(description);
  });

  test('the subscription service down: 503 with Retry-After, and no token', async () => {
    subscriptions.status = 500;
    const answer = await translate({ token: alice.accessToken });
    subscriptions.status = null;
    expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).not.toHaveProperty('access_token');
  });

  test('takes a partner’s token once, and makes up no login for it', async () => {
    const jwt = await signAsPartner(sts);
    const first = await translate({ token: jwt });
    expect(claimsOf(first)).toMatchObject({ sub: ALICE, aud: API2, act: { sub: 'api1.client' } });
    for (const claim of ['sid', 'auth_time', 'amr']) expect(claimsOf(first)).not.toHaveProperty(claim);
    const second = await translate({ token: jwt });
    expect(second).toMatchObject({ status: 400, body: { error: 'invalid_grant', reason: 'subject_token' } });
  });

  test('of many parallel presentations of a partner’s token one succeeds', async () => {
    const jwt = await signAsPartner(sts);
    const answers = await Promise.all(Array.from({ length: 12 }, () => translate({ token: jwt })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body['error'] === 'invalid_grant')).toHaveLength(11);
  });

  test.each<[string, Record<string, unknown>]>([
    ['that names another client in azp', { azp: 'api2.client' }],
    ['with an act', { act: { sub: 'somebody' } }],
    ['with a second audience', { aud: ['http://localhost:4001', 'x'] }],
    ['of an unmapped subject', { sub: 'mallory@partner' }],
  ])('refuses a partner’s token %s', async (_title, claims) => {
    const answer = await translate({ token: await signAsPartner(sts, claims) });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant', reason: 'subject_token' } });
  });

  test('a partner’s token is good for translation alone', async () => {
    expect(await delegate({ token: await signAsPartner(sts) })).toMatchObject({ status: 400 });
    const exchanged = await exchange({
      subject_token: await signAsPartner(sts),
      subject_token_type: JWT_TYPE,
    });
    expect(exchanged).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['without a secret', { client_id: 'userSubscriptionClient' }, {}],
    ['with an empty secret', {}, basic('userSubscriptionClient', '')],
    ['with some secret', {}, basic('userSubscriptionClient', 'secret')],
  ])('the client that the server acts as is unknown from outside, %s', async (_title, form, headers) => {
    const parameters = { grant_type: 'client_credentials', scope: 'subscriptions.read', ...form };
    const answer = await post(`${sts.issuer}/connect/token`, parameters, headers);
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });
});

describe('token exchange (RFC 8693)', () => {
  test('answers with issued_token_type (§2.2.1)', async () => {
    const answer = await exchange({ subject_token: alice.accessToken, audience: 'api2', scope: 'api2' });
    expect(answer).toMatchObject({
      status: 200,
      body: { token_type: 'Bearer', issued_token_type: ACCESS_TOKEN_TYPE, scope: 'api2' },
    });
    expect(answer.body).not.toHaveProperty('refresh_token');
  });

  test('one hop further keeps the chain, the current actor outermost (§4.1)', async () => {
    const one = await delegate({ scope: 'api2', token: alice.accessToken });
    const two = await exchange(
      { subject_token: accessTokenOf(one), scope: 'subscriptions.read' },
      'api2.client',
    );
    expect(claimsOf(two)).toMatchObject({
      sub: ALICE,
      aud: SUBSCRIPTIONS,
      client_id: 'api2.client',
      scope: 'subscriptions.read',
      act: { sub: 'api2.client', act: { sub: 'api1.client' } },
    });
    expect(claimsOf(two).exp).toBeLessThanOrEqual(claimsOf(one).exp ?? 0);
  });

  test('the client’s own token with scope actor is its actor token (§2.1)', async () => {
    const actor = await token({ grant_type: 'client_credentials', scope: 'actor' });
    const parameters = { subject_token: alice.accessToken, actor_token_type: ACCESS_TOKEN_TYPE };
    const answer = await exchange({ ...parameters, actor_token: accessTokenOf(actor) });
    expect(claimsOf(answer)).toMatchObject({ sub: ALICE, act: { sub: 'api1.client' } });

    const other = await token({ grant_type: 'client_credentials', scope: 'actor' }, 'api2.client');
    expect(await exchange({ ...parameters, actor_token: accessTokenOf(other) })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
  });

  test.each<[string, Record<string, string>, string]>([
    ['an empty subject token', { subject_token: '' }, 'invalid_request'],
    ['another client’s target', { audience: 'subscriptions' }, 'invalid_target'],
    ['an unknown target', { audience: 'api9' }, 'invalid_target'],
    ['two targets', { audience: 'api2', resource: SUBSCRIPTIONS }, 'invalid_target'],
    ['a target against the scope', { audience: 'subscriptions', scope: 'api2' }, 'invalid_target'],
    ['a scope outside the row', { scope: 'api2.premium' }, 'invalid_scope'],
    ['an unknown scope', { scope: 'api9' }, 'invalid_scope'],
    ['one scope too many', { scope: 'api2 api2.premium' }, 'invalid_scope'],
    ['scopes of two APIs', { scope: 'api2 actor' }, 'invalid_scope'],
    [
      'an ID token as requested type',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
      'invalid_request',
    ],
  ])('%s (§2.2.2)', async (_title, form, error) => {
    const answer = await exchange({ subject_token: alice.accessToken, ...form });
    expect(answer).toMatchObject({ status: 400, body: { error } });
  });

  test('a client’s own token has nobody to act for', async () => {
    const machine = await token({ grant_type: 'client_credentials', scope: 'api1' }, 'machine.client');
    const answer = await exchange({ subject_token: accessTokenOf(machine), scope: 'api2' });
    expect(answer).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', reason: 'subject_token' },
    });
  });

  test('the wrong presenter is told that the subject token is no good (§2.1)', async () => {
    const answer = await exchange({ subject_token: alice.accessToken }, 'api2.client');
    expect(answer).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', reason: 'subject_token' },
    });
  });
});

test('the user’s own token is for API1 alone', () => {
  expect(decodeJwt(alice.accessToken)).toMatchObject({ aud: API1, client_id: 'web.client' });
});
