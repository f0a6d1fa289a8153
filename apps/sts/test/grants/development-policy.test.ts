/**
 * Everything that can be had by exchanging, tried: from every kind of token there is, each client asks every grant for
 * everything, and again with whatever it gets. What comes out is the policy's table, and nothing else.
 */

import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ACCESS_TOKEN_TYPE, JWT_TYPE } from '../../src/grants/token-exchange.ts';
import { ALICE } from '../../src/registry/users-and-issuers.ts';
import { signAsPartner } from '../support/partner.ts';
import { basic, post, signIn } from '../support/sign-in.ts';
import { startTestSts, type TestSts } from '../support/sts.ts';
import { startTestSubscriptions, type TestSubscriptions } from '../support/subscriptions.ts';

let subscriptions: TestSubscriptions;

let sts: TestSts;

beforeAll(async () => {
  subscriptions = await startTestSubscriptions();
  sts = await startTestSts({ registry: 'shipped', environment: { SUBSCRIPTIONS_URL: subscriptions.url } });
});

afterAll(async () => {
  await sts.close();
  await subscriptions.close();
});

/** A token, by a name that says how it came about: `api1 > api1.client delegation api2 [api2]`. */
interface Held {
  readonly name: string;
  readonly take: () => Promise<string>;
}

const CLIENTS = ['api1.client', 'api2.client', 'machine.client', 'subscriptions.client'];

const WAYS: readonly [string, (token: string) => Record<string, string>][] = [
  ['delegation', (token) => ({ grant_type: 'delegation', token })],
  ['translation', (token) => ({ grant_type: 'translation', token })],
  ['exchange', (token) => exchanging(token, ACCESS_TOKEN_TYPE)],
  ['exchange of a jwt', (token) => exchanging(token, JWT_TYPE)],
];

const WISHES: readonly Record<string, string>[] = [
  {},
  ...[
    'api1',
    'api2',
    'api2.premium',
    'api2 api2.premium',
    'api2.statistics',
    'api2 api2.statistics',
    'subscriptions.read',
    'account',
    'actor',
    'openid',
  ].map((scope) => ({ scope })),
  ...['sts', 'api1', 'api2', 'subscriptions'].map((audience) => ({ audience })),
];

function exchanging(token: string, type: string): Record<string, string> {
  return { grant_type: TOKEN_EXCHANGE_GRANT, subject_token: token, subject_token_type: type };
}

/** The claims that decide where a token is accepted. */
function rightsOf(token: string): string {
  const { iat: _, exp: _exp, jti: _jti, ...rights } = decodeJwt(token);
  return JSON.stringify(rights);
}

/** Everything that can be made of one token: each distinct result once. */
async function everythingFrom({ name, take }: Held): Promise<readonly Held[]> {
  const found = new Map<string, string>();
  for (const clientId of CLIENTS) {
    for (const [way, form] of WAYS) {
      const answers = await Promise.all(
        WISHES.map(async (wish) =>
          post(`${sts.issuer}/connect/token`, { ...form(await take()), ...wish }, basic(clientId)),
        ),
      );
      for (const { status, body } of answers) {
        expect([200, 400]).toContain(status);
        if (typeof body['access_token'] !== 'string') continue;
        const { aud, scope } = decodeJwt(body['access_token']);
        const api = String(aud) === sts.issuer ? 'sts' : `:${new URL(String(aud)).port}`;
        found.set(`${name} > ${clientId} ${way} ${api} [${String(scope)}]`, body['access_token']);
      }
    }
  }
  return [...found].map(([derived, token]) => hold(derived, token));
}

function hold(name: string, token: string): Held {
  return { name, take: () => Promise.resolve(token) };
}

/** Tokens with the same rights are all listed, and what can be made of the first of them stands for the others. */
async function closureOf(roots: readonly Held[]): Promise<readonly string[]> {
  const names: string[] = [];
  const explored = new Set<string>();
  for (let held = roots; held.length > 0;) {
    const next: Held[] = [];
    for (const token of held) {
      for (const derived of await everythingFrom(token)) {
        names.push(derived.name);
        const rights = rightsOf(await derived.take());
        if (explored.has(rights)) continue;
        explored.add(rights);
        next.push(derived);
      }
    }
    held = next;
  }
  return names.sort();
}

const API2 = ':4002';

const SUBSCRIPTIONS = ':4003';

test('from a user’s token for API1 there is what the table says, and its depth ends it', async () => {
  const { accessToken } = await signIn(sts.issuer);
  const closure = await closureOf([hold('user', accessToken)]);
  const ways = ['delegation', 'exchange', 'exchange of a jwt'];
  const delegated = `user > api1.client delegation ${API2} [api2]`;
  const expected = [
    `user > api1.client translation ${API2} [api2.premium]`,
    ...ways.map((way) => `user > api1.client ${way} ${API2} [api2]`),
    `${delegated} > api2.client exchange ${SUBSCRIPTIONS} [subscriptions.read]`,
    `${delegated} > api2.client exchange of a jwt ${SUBSCRIPTIONS} [subscriptions.read]`,
  ];
  expect(closure).toEqual(expected.sort());
});

test('from a partner’s token there is the one row of translation', async () => {
  const closure = await closureOf([{ name: 'partner', take: () => signAsPartner(sts) }]);
  expect(closure).toEqual([`partner > api1.client translation ${API2} [api2.premium]`]);
});

test('from a client’s own token for API1 there is the one scope that is for clients', async () => {
  const machine = await own('machine.client', 'api1');
  const ways = ['delegation', 'exchange', 'exchange of a jwt'];
  expect(await closureOf([hold('machine', machine)])).toEqual(
    ways.map((way) => `machine > api1.client ${way} ${API2} [api2.statistics]`),
  );
});

async function own(clientId: string, scope: string): Promise<string> {
  const form = { grant_type: 'client_credentials', scope };
  const { body } = await post(`${sts.issuer}/connect/token`, form, basic(clientId));
  return String(body['access_token']);
}

test('from any other token there is nothing', async () => {
  const account = await signIn(sts.issuer, { scope: 'openid account', resource: [sts.issuer] });
  const user = await signIn(sts.issuer);
  const tokens = {
    account: account.accessToken,
    'id token': user.idToken,
    'refresh token': user.refreshToken,
    code: account.code,
    'machine for api2': await own('machine.client', 'api2'),
    'actor api1.client': await own('api1.client', 'actor'),
    'actor api2.client': await own('api2.client', 'actor'),
    nonsense: ALICE,
  };
  const roots = Object.entries(tokens).map(([name, token]) => hold(name, token));
  expect(decodeJwt(tokens.account)).toMatchObject({ aud: sts.issuer, scope: 'account' });
  expect(await closureOf(roots)).toEqual([]);
});

test('the server’s own token for the subscription service leads nowhere', async () => {
  const { accessToken } = await signIn(sts.issuer);
  await post(
    `${sts.issuer}/connect/token`,
    { grant_type: 'translation', token: accessToken },
    basic('api1.client'),
  );
  const stolen = subscriptions.tokens.at(-1) ?? '';
  expect(decodeJwt(stolen)).toMatchObject({ client_id: 'userSubscriptionClient' });
  expect(await closureOf([hold('stolen', stolen)])).toEqual([]);
});
