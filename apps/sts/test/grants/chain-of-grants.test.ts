import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import { decodeJwt, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCESS_TOKEN_TYPE, JWT_TYPE } from '../../src/grants/token-exchange.ts';
import { DELEGATION_GRANT, TRANSLATION_GRANT } from '../../src/registry/clients.ts';
import { ALICE } from '../../src/registry/users-and-issuers.ts';
import {
  type Answer,
  type ApiName,
  audienceOf,
  type ChainProvider,
  claimsOf,
  clientOf,
  openChainProvider,
  partnerClaims,
  userClaims,
} from '../support/chain-provider.ts';

let sts: ChainProvider;

let now: number;

beforeAll(async () => {
  sts = await openChainProvider();
  now = Math.floor(Date.now() / 1000);
});

afterAll(() => sts.close());

/** Every way in which a token can be exchanged: three grants, one of them in three forms. */
const FORMS = {
  delegation: async (token: string) => ({ grant_type: DELEGATION_GRANT, token }),
  translation: async (token: string) => ({ grant_type: TRANSLATION_GRANT, token }),
  'token exchange': async (token: string) => ({
    grant_type: TOKEN_EXCHANGE_GRANT,
    subject_token: token,
    subject_token_type: ACCESS_TOKEN_TYPE,
  }),
  'token exchange of a jwt': async (token: string) => ({
    grant_type: TOKEN_EXCHANGE_GRANT,
    subject_token: token,
    subject_token_type: JWT_TYPE,
    requested_token_type: JWT_TYPE,
  }),
  'token exchange with an actor token': async (token: string, client: string) => ({
    grant_type: TOKEN_EXCHANGE_GRANT,
    subject_token: token,
    subject_token_type: ACCESS_TOKEN_TYPE,
    actor_token: await actorToken(client),
    actor_token_type: ACCESS_TOKEN_TYPE,
  }),
} as const;

type Form = keyof typeof FORMS;

const NAMES = Object.keys(FORMS) as Form[];

async function actorToken(client: string): Promise<string> {
  const answer = await sts.request(client, {
    grant_type: 'client_credentials',
    scope: 'actor',
    resource: 'https://sts.example',
  });
  return String(answer.body['access_token']);
}

/** The client of `from` exchanges a token for one for `to`. */
async function hop(form: Form, token: string, from: ApiName, to: ApiName, more: Record<string, string> = {}) {
  const parameters = await FORMS[form](token, clientOf(from));
  return sts.request(clientOf(from), { ...parameters, audience: to, ...more });
}

const tokenOf = ({ body }: Answer) => String(body['access_token']);

const triples = NAMES.flatMap((first) =>
  NAMES.flatMap((second) => NAMES.map((third) => [first, second, third] as const)),
);

const pairs = NAMES.flatMap((first) => NAMES.map((second) => [first, second] as const));

/** The rules between a token and its subject token, whichever grant issued it. */
function expectDerived(child: JWTPayload, parent: JWTPayload, from: ApiName, to: ApiName): void {
  expect(child).toMatchObject({
    sub: parent.sub,
    aud: audienceOf(to),
    client_id: clientOf(from),
    scope: to,
  });
  const prior = parent['act'] === undefined ? {} : { act: parent['act'] };
  expect(child['act']).toEqual({ sub: clientOf(from), ...prior });
  for (const claim of ['sid', 'auth_time', 'amr', 'may_act']) expect(child[claim]).toEqual(parent[claim]);
  expect(child.exp).toBeLessThanOrEqual(parent.exp ?? 0);
  expect(child.jti).not.toBe(parent.jti);
}

describe('every triple of grants keeps user, login and chain, and outlives nothing (RFC 8693 §4.1)', () => {
  test.each(triples)('%s, then %s, then %s', async (first, second, third) => {
    const start = await sts.mint(userClaims('a', now));
    const one = await hop(first, start, 'a', 'b');
    const two = await hop(second, tokenOf(one), 'b', 'c');
    const three = await hop(third, tokenOf(two), 'c', 'd');

    expectDerived(claimsOf(one), decodeJwt(start), 'a', 'b');
    expectDerived(claimsOf(two), claimsOf(one), 'b', 'c');
    expectDerived(claimsOf(three), claimsOf(two), 'c', 'd');
    expect(claimsOf(three)['act']).toEqual({
      sub: 'c.client',
      act: { sub: 'b.client', act: { sub: 'a.client' } },
    });
    for (const { body } of [one, two, three]) {
      expect(body).not.toHaveProperty('refresh_token');
      expect(body).not.toHaveProperty('id_token');
    }
  });
});

describe('no order of grants', () => {
  test.each(pairs)('goes deeper than the policy: %s as the fourth hop after %s', async (last, before) => {
    const claims = { ...userClaims('c', now), act: { sub: 'b.client', act: { sub: 'a.client' } } };
    const three = await hop(before, await sts.mint(claims), 'c', 'd');
    expect(three.status).toBe(200);
    const four = await hop(last, tokenOf(three), 'd', 'a');
    expect(four).toMatchObject({ status: 400, body: { error: subjectTokenError(last), reason: 'policy' } });
  });

  test.each(pairs)('lets an actor in twice: %s after %s', async (last, before) => {
    const one = await hop(before, await sts.mint(userClaims('a', now)), 'a', 'b');
    const two = await hop(before, tokenOf(one), 'b', 'a');
    const cycle = await hop(last, tokenOf(two), 'a', 'c');
    expect(cycle).toMatchObject({ status: 400, body: { error: subjectTokenError(last), reason: 'policy' } });
    expect(sts.refused.at(-1)).toMatchObject({ detail: 'cycle', subjectToken: { subject: ALICE } });
  });

  test.each(pairs)('buys a scope of another row: %s after %s', async (last, before) => {
    const one = await hop(before, await sts.mint(userClaims('a', now)), 'a', 'b');
    const more = await hop(last, tokenOf(one), 'b', 'c', { scope: 'c c.more' });
    expect(more).toMatchObject({ status: 400, body: { error: 'invalid_scope', reason: 'policy' } });
  });

  test.each(pairs)('starts from a token without the row’s scope: %s after %s', async (last, before) => {
    const claims = { ...userClaims('a', now), scope: 'a.more' };
    const one = await hop(before, await sts.mint(claims), 'a', 'b');
    expect(one).toMatchObject({ status: 400, body: { error: 'invalid_target', reason: 'policy' } });
    const two = await hop(last, await sts.mint({ ...claims, act: { sub: 'd.client' } }), 'a', 'b');
    expect(two).toMatchObject({ status: 400, body: { error: 'invalid_target', reason: 'policy' } });
  });

  test.each(pairs)('lets anybody else present the token: %s after %s', async (last, before) => {
    const one = await hop(before, await sts.mint(userClaims('a', now)), 'a', 'b');
    const stolen = await hop(last, tokenOf(one), 'c', 'd');
    expect(stolen).toMatchObject({
      status: 400,
      body: { error: subjectTokenError(last), reason: 'subject_token' },
    });
  });

  test.each(pairs)('forgets may_act (RFC 8693 §4.4): %s after %s', async (last, before) => {
    const claims = { ...userClaims('a', now), may_act: { sub: 'a.client' } };
    const one = await hop(before, await sts.mint(claims), 'a', 'b');
    expectDerived(claimsOf(one), claims, 'a', 'b');
    const two = await hop(last, tokenOf(one), 'b', 'c');
    expect(two).toMatchObject({ status: 400, body: { error: subjectTokenError(last), reason: 'policy' } });
  });

  test.each(pairs)('lengthens life: %s after %s', async (last, before) => {
    const claims = { ...userClaims('a', now), exp: now + 60 };
    const one = await hop(before, await sts.mint(claims), 'a', 'b');
    const two = await hop(last, tokenOf(one), 'b', 'c');
    expect(claimsOf(two).exp).toBeLessThanOrEqual(now + 60);
    expect(Number(two.body['expires_in'])).toBeLessThanOrEqual(60);
  });
});

describe('a partner’s token begins a chain like any other', () => {
  test.each(NAMES)('translation, then %s', async (second) => {
    const start = await sts.mintAsPartner(partnerClaims('a.client', `before ${second}`, now));
    const one = await hop('translation', start, 'a', 'b');
    const two = await hop(second, tokenOf(one), 'b', 'c');
    expect(claimsOf(one)).toMatchObject({ sub: ALICE, act: { sub: 'a.client' } });
    for (const claim of ['sid', 'auth_time', 'amr']) expect(claimsOf(one)).not.toHaveProperty(claim);
    expectDerived(claimsOf(two), claimsOf(one), 'b', 'c');
  });

  test.each(NAMES.filter((name) => name !== 'translation'))('but not by %s', async (form) => {
    const start = await sts.mintAsPartner(partnerClaims('a.client', `by ${form}`, now));
    expect(await hop(form, start, 'a', 'b')).toMatchObject({
      status: 400,
      body: { error: subjectTokenError(form) },
    });
  });
});

describe('chain splicing', () => {
  test('the actor token of a client in another chain does not bring that chain in', async () => {
    const one = await hop('delegation', await sts.mint(userClaims('a', now)), 'a', 'b');
    const spliced = await sts.request('b.client', {
      ...(await FORMS['token exchange'](tokenOf(one))),
      actor_token: await actorToken('c.client'),
      actor_token_type: ACCESS_TOKEN_TYPE,
      audience: 'c',
    });
    expect(spliced).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  test('a delegated token is no actor token', async () => {
    const one = await hop('delegation', await sts.mint(userClaims('a', now)), 'a', 'b');
    const spliced = await sts.request('a.client', {
      ...(await FORMS['token exchange'](await sts.mint(userClaims('a', now)))),
      actor_token: tokenOf(one),
      actor_token_type: ACCESS_TOKEN_TYPE,
      audience: 'b',
    });
    expect(spliced).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });
});

describe('a malformed claim in a token that our own key signed', () => {
  test.each(
    NAMES.flatMap((form) =>
      [
        { act: 'a.client' },
        { act: null },
        { act: [] },
        { act: {} },
        { act: { sub: '' } },
        { act: { sub: 7 } },
        { act: { sub: 'x', exp: 1 } },
        { act: { sub: 'x', act: { sub: 'y', aud: 'z' } } },
        { may_act: 'a.client' },
        { may_act: null },
        { may_act: {} },
        { may_act: [{ sub: 'a.client' }] },
        { may_act: { sub: ['a.client'] } },
        { may_act: { sub: 'a.client', iss: 'https://other.example' } },
      ].map((claim) => [form, claim] as const),
    ),
  )('refuses %s of %j (RFC 8693 §4.1, §4.4)', async (form, claim) => {
    const answer = await hop(form, await sts.mint({ ...userClaims('a', now), ...claim }), 'a', 'b');
    expect(answer).toMatchObject({ status: 400, body: { error: subjectTokenError(form) } });
    expect(answer.body).not.toHaveProperty('access_token');
  });
});

function subjectTokenError(form: Form): string {
  return form.startsWith('token exchange') ? 'invalid_request' : 'invalid_grant';
}
