import { afterAll, beforeAll, expect, test } from 'vitest';
import { basic, post, signIn } from '../support/sign-in.ts';
import { startTestSts, SUBSCRIPTIONS, type TestSts } from '../support/sts.ts';
import { startTestSubscriptions, type TestSubscriptions } from '../support/subscriptions.ts';

let subscriptions: TestSubscriptions;
let sts: TestSts;

beforeAll(async () => {
  subscriptions = await startTestSubscriptions();
  sts = await startTestSts({ environment: { SUBSCRIPTIONS_URL: subscriptions.url } });
});

afterAll(async () => {
  await sts.close();
  await subscriptions.close();
});

async function exchange(at: TestSts, username: string, grant: 'translation' | 'delegation' = 'translation') {
  const { accessToken } = await signIn(at.issuer, { username });
  const scope = grant === 'translation' ? 'api2.premium' : 'api2';
  const form = { grant_type: grant, scope, token: accessToken };
  return post(`${at.issuer}/connect/token`, form, basic('api1.client'));
}

const ISSUE = {
  from: 'sts',
  to: 'sts',
  kind: 'issue',
  status: 200,
  claims: { sub: 'userSubscriptionClient', aud: SUBSCRIPTIONS, scope: 'subscriptions.read' },
};

const CALL = { from: 'sts', to: 'subscriptions', kind: 'call', route: 'GET /users/{sub}' };

test('a translation tells the token that the STS issued to itself and the call that carried it', async () => {
  const { status, body } = await exchange(sts, 'alice');
  expect(status).toBe(200);
  expect(body['steps']).toMatchObject([ISSUE, { ...CALL, status: 200, claims: ISSUE.claims }]);
  const [issue] = body['steps'] as { claims: { iat: number; exp: number } }[];
  expect((issue?.claims.exp ?? 0) - (issue?.claims.iat ?? 0)).toBe(15);
  expect(JSON.stringify(body['steps'])).not.toContain(subscriptions.tokens.at(-1));
});

test.each([
  ['bob', 200],
  ['carol', 404],
])('a refusal of %s tells them as well', async (username, answered) => {
  const { status, body } = await exchange(sts, username);
  expect(status).toBe(400);
  expect(body['steps']).toMatchObject([ISSUE, { ...CALL, status: answered }]);
});

test('a subscription service that gives no answer is a step without a status', async () => {
  subscriptions.status = 500;
  const { status, body } = await exchange(sts, 'alice');
  subscriptions.status = null;
  expect(status).toBe(503);
  expect(body['steps']).toMatchObject([ISSUE, { ...CALL, status: null, error: 'no_answer' }]);
});

test('an exchange in which the STS asks nobody, and one with experiments off, tell none', async () => {
  expect((await exchange(sts, 'alice', 'delegation')).body).not.toHaveProperty('steps');
  const plain = await startTestSts({
    environment: { SUBSCRIPTIONS_URL: subscriptions.url, EXPERIMENTS: 'off' },
  });
  const { status, body } = await exchange(plain, 'alice');
  await plain.close();
  expect(status).toBe(200);
  expect(body).not.toHaveProperty('steps');
});
