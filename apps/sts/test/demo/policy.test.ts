import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signIn } from '../support/sign-in.ts';
import { API1, API2, startTestSts, SUBSCRIPTIONS, type TestSts } from '../support/sts.ts';

let sts: TestSts;
let token: string;

beforeAll(async () => {
  sts = await startTestSts();
  token = await accountToken(sts);
});

afterAll(() => sts.close());

async function accountToken({ issuer }: TestSts): Promise<string> {
  return (await signIn(issuer, { scope: 'openid account', resource: [issuer] })).accessToken;
}

async function call(at: TestSts, bearer: string | undefined, body?: unknown) {
  const response = await fetch(`${at.issuer}/experiments/policy`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: {
      'content-type': 'application/json',
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const QUESTION = {
  actor: 'api1.client',
  grant_type: 'delegation',
  subject_token: {
    audience: 'api1',
    scopes: ['api1'],
    actors: [] as string[],
    may_act: null as string | null,
  },
  audience: 'api2' as string | null,
  scopes: ['api2'],
};

const ask = async (
  changes: Partial<typeof QUESTION>,
  subject: Partial<typeof QUESTION.subject_token> = {},
) => {
  const subject_token = { ...QUESTION.subject_token, ...subject };
  const { status, body } = await call(sts, token, { ...QUESTION, ...changes, subject_token });
  expect(status).toBe(200);
  return body;
};

describe('POST /experiments/policy', () => {
  test('names the row that allows an exchange, and the actors of the new token', async () => {
    const { decision, rules } = await ask({});
    expect(decision).toEqual({
      allowed: true,
      audience: API2,
      scopes: ['api2'],
      actors: ['api1.client'],
      rule: 0,
    });
    expect((rules as { allowed: boolean }[]).map(({ allowed }) => allowed)[0]).toBe(true);
    const onward = { audience: 'api2', scopes: ['api2'], actors: ['api1.client'] };
    const exchange = { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange' };
    const next = { ...exchange, actor: 'api2.client', audience: null, scopes: ['subscriptions.read'] };
    expect((await ask(next, onward))['decision']).toMatchObject({
      allowed: true,
      audience: SUBSCRIPTIONS,
      actors: ['api2.client', 'api1.client'],
    });
  });

  test.each([
    ['a scope outside the row', { scopes: ['api2', 'api2.premium'] }, {}, 'policy', 'scope'],
    ['a client that does not act for the API', { actor: 'api2.client' }, {}, 'policy', 'presenter'],
    ['an unknown client', { actor: 'nobody.client' }, {}, 'policy', 'presenter'],
    ['a chain that would be too deep', {}, { actors: ['web.client'] }, 'policy', 'depth'],
    [
      'a user whose may_act names another client (RFC 8693 §4.4)',
      {},
      { may_act: 'support.client' },
      'subject_token',
      'may_act_not_permitted',
    ],
  ])('refuses %s as the exchange does', async (_what, changes, subject, by, fault) => {
    expect((await ask(changes, subject))['decision']).toMatchObject({
      allowed: false,
      by,
      fault,
      rule: null,
    });
  });

  test.each([
    ['another form', { ...QUESTION, more: 1 }],
    ['an API that does not exist', { ...QUESTION, audience: 'api9' }],
  ])('answers 400 to %s', async (_what, body) => {
    expect((await call(sts, token, body)).status).toBe(400);
  });
});

test('GET /experiments/policy tells the table, the APIs, the clients that it names and the demo users', async () => {
  const { status, body } = await call(sts, token);
  expect(status).toBe(200);
  expect(body['rules']).toContainEqual({
    actor: 'api1.client',
    subject_token: { api: 'api1', scope: 'api1' },
    to: 'api2',
    by: ['translation'],
    scopes: ['api2.premium'],
    maximum_depth: 1,
    require_dpop: false,
  });
  expect(body['apis']).toContainEqual({
    name: 'api1',
    identifier: API1,
    scopes: ['api1'],
    exchangers: ['api1.client'],
  });
  expect(body['users']).toContainEqual({ name: 'dave', may_act: 'support.client' });
  expect(JSON.stringify(body)).not.toMatch(/secret|password|usr_/);
});

test('both need a user with the scope account, and do not exist while experiments are off', async () => {
  const { accessToken } = await signIn(sts.issuer);
  for (const body of [undefined, QUESTION]) {
    expect((await call(sts, undefined, body)).status).toBe(401);
    expect((await call(sts, accessToken, body)).status).toBe(401);
  }
  const plain = await startTestSts({ environment: { EXPERIMENTS: 'off' } });
  expect((await call(plain, await accountToken(plain))).status).toBe(404);
  await plain.close();
});
