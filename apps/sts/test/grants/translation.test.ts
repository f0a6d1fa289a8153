import type { ExtensionGrantRequest } from '@behalf/extension-grants';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { createSubjectTokenReader } from '../../src/grants/subject-token.ts';
import type { SubscriptionAnswer } from '../../src/grants/subscriptions-client.ts';
import { createTranslationGrant } from '../../src/grants/translation.ts';
import { createTrustedIssuerTokenValidator } from '../../src/grants/trusted-issuer-token.ts';
import { DEVELOPMENT_ADDRESSES as AT } from '../../src/registry/apis.ts';
import { TRANSLATION_GRANT } from '../../src/registry/clients.ts';
import { ALICE, BOB, createDemoPartner, PARTNER_ISSUER } from '../../src/registry/users-and-issuers.ts';
import {
  ACTOR_CLAIMS,
  API2_CLIENT,
  createGrantBench,
  DELEGATED_CLAIMS,
  type GrantBench,
  MACHINE_CLAIMS,
  NOW,
  requestOf,
  USER_CLAIMS,
} from '../support/grants.ts';

const ACTIVE: SubscriptionAnswer = {
  kind: 'found',
  subscription: { plan: 'premium', status: 'active', renewsAt: '2027-01-01' },
};

const PARTNER_CLAIMS = {
  iss: PARTNER_ISSUER,
  aud: AT.issuer,
  sub: 'alice@partner',
  azp: 'api1.client',
  iat: NOW - 10,
  exp: NOW + 100,
  jti: 'one-time',
};

let bench: GrantBench;

let partnerKey: CryptoKey;

let translate: (token: string | undefined, overrides?: Partial<ExtensionGrantRequest>) => Promise<unknown>;

/** The answer of the subscription service, the questions that it was asked with their tokens, and the tokens that were consumed. */
let answer: SubscriptionAnswer;

let asked: { subject: string; token: unknown }[];

let used: Set<string>;

beforeEach(async () => {
  bench = await createGrantBench();
  answer = ACTIVE;
  asked = [];
  used = new Set();
  const pair = await generateKeyPair('ES256');
  partnerKey = pair.privateKey;
  const partner = createDemoPartner({ audience: AT.issuer, publicKey: await exportJWK(pair.publicKey) });
  const users = {
    findById: (id: string) =>
      Promise.resolve({ id, name: id, email: null, displayName: null, mayAct: null, disabled: id === BOB }),
  };
  const grant = createTranslationGrant({
    ...bench.ports,
    subjectTokens: createSubjectTokenReader(
      bench.ports.accessTokens,
      createTrustedIssuerTokenValidator({ issuers: [partner], users }),
    ),
    consumePartnerToken: ({ jti }) => Promise.resolve(!used.has(jti) && used.add(jti).has(jti)),
    subscriptions: {
      async of(subject, issueToken) {
        asked.push({ subject, token: JSON.parse(await issueToken()) });
        return answer;
      },
    },
    subscriptionsAudience: AT.subscriptionsResource,
    tokenTools: {
      issueClientJwt: (options) => Promise.resolve(JSON.stringify(options)),
      issueJwt: () => Promise.reject(new Error('not used')),
    },
  });
  translate = (token, overrides) =>
    grant.validate(requestOf(TRANSLATION_GRANT, token === undefined ? {} : { token }, overrides));
});

const signAsPartner = (claims: Record<string, unknown> = {}) =>
  new SignJWT({ ...PARTNER_CLAIMS, ...claims }).setProtectedHeader({ alg: 'ES256' }).sign(partnerKey);

test('asks about the user with a 15 s token that it issues itself, and puts the answer into the new token', async () => {
  expect(await translate(await bench.mint(USER_CLAIMS))).toMatchObject({
    kind: 'subject',
    subject: ALICE,
    actor: 'api1.client',
    subjectToken: { jti: 'users-token' },
    scopes: ['api2.premium'],
    target: AT.api2Resource,
    claims: { subscription: { plan: 'premium', status: 'active', renews_at: '2027-01-01' } },
  });
  const token = {
    clientId: 'userSubscriptionClient',
    lifetimeSeconds: 15,
    scopes: ['subscriptions.read'],
    audience: AT.subscriptionsResource,
  };
  expect(asked).toEqual([{ subject: ALICE, token }]);
});

test('takes a partner’s token, whose subject is mapped to our user', async () => {
  expect(await translate(await signAsPartner())).toMatchObject({
    kind: 'subject',
    subject: ALICE,
    actor: 'api1.client',
    subjectToken: { kind: 'external', jti: 'one-time', issuer: PARTNER_ISSUER, authTime: undefined },
    scopes: ['api2.premium'],
  });
  expect(asked).toMatchObject([{ subject: ALICE }]);
});

describe('refuses with invalid_grant, reason subscription', () => {
  test.each<[string, SubscriptionAnswer, RegExp]>([
    [
      'a lapsed subscription',
      { kind: 'found', subscription: { ...ACTIVE.subscription, status: 'lapsed' } },
      /lapsed/,
    ],
    ['no subscription', { kind: 'none' }, /no subscription/],
  ])('%s, and says so', async (_title, given, description) => {
    answer = given;
    const result = await translate(await bench.mint(USER_CLAIMS));
    expect(result).toMatchObject({ kind: 'refusal', error: 'invalid_grant', reason: 'subscription' });
    expect(result).toHaveProperty('description', expect.stringMatching(description));
  });
});

test('an unreachable subscription service is temporarily_unavailable, never a token', async () => {
  answer = { kind: 'unavailable', detail: 'TimeoutError' };
  const result = await translate(await bench.mint(USER_CLAIMS));
  expect(result).toMatchObject({ kind: 'refusal', error: 'temporarily_unavailable', retryAfterSeconds: 5 });
  expect(JSON.stringify(result)).not.toContain('"reason":');
});

describe('refuses before it asks anybody', () => {
  test('no token', async () => {
    expect(await translate(undefined)).toMatchObject({ error: 'invalid_grant', reason: 'subject_token' });
  });

  test.each<[string, Record<string, unknown>, { typ?: string }]>([
    ['an ID token', USER_CLAIMS, { typ: 'JWT' }],
    ['an actor token', ACTOR_CLAIMS, {}],
    ['a client’s own token for the very API', MACHINE_CLAIMS, {}],
    ['a token that was issued to another API (RFC 8693 §2.1)', DELEGATED_CLAIMS, {}],
    ['a token that names a partner as its issuer under our key', { ...USER_CLAIMS, ...PARTNER_CLAIMS }, {}],
  ])('%s', async (_title, claims, header) => {
    const result = await translate(await bench.mint(claims, header));
    expect(result).toMatchObject({ kind: 'refusal', error: 'invalid_grant', reason: 'subject_token' });
    expect(asked).toEqual([]);
  });

  test('a partner’s token that names our issuer', async () => {
    const result = await translate(await signAsPartner({ ...USER_CLAIMS }));
    expect(result).toMatchObject({ kind: 'refusal', error: 'invalid_grant', reason: 'subject_token' });
  });

  test('a scope outside the row', async () => {
    const request = { scopes: ['api2'], target: AT.api2Resource };
    expect(await translate(await bench.mint(USER_CLAIMS), request)).toMatchObject({ error: 'invalid_scope' });
    expect(asked).toEqual([]);
  });

  test('an actor whom the token does not permit (RFC 8693 §4.4)', async () => {
    const token = await bench.mint({ ...USER_CLAIMS, may_act: { sub: 'support.client' } });
    expect(await translate(token)).toMatchObject({ error: 'invalid_grant', reason: 'policy' });
    expect(asked).toEqual([]);
  });

  test('an actor whom the user blocked', async () => {
    bench.blocked.add(`users-token api1.client ${AT.api2Resource}`);
    expect(await translate(await bench.mint(USER_CLAIMS))).toMatchObject({ error: 'invalid_target' });
    expect(asked).toEqual([]);
  });
});

describe('a partner’s token', () => {
  test('is good for one use', async () => {
    const token = await signAsPartner();
    expect(await translate(token)).toMatchObject({ kind: 'subject' });
    expect(await translate(token)).toMatchObject({
      error: 'invalid_grant',
      reason: 'subject_token',
      detail: 'replayed',
    });
  });

  test('is good for one use also when it is presented many times at once', async () => {
    const token = await signAsPartner();
    const results = await Promise.all(Array.from({ length: 10 }, () => translate(token)));
    expect(results.filter((result) => (result as { kind: string }).kind === 'subject')).toHaveLength(1);
  });

  test('is not used up by a request that fails for another reason', async () => {
    const token = await signAsPartner();
    answer = { kind: 'unavailable', detail: 'TimeoutError' };
    await translate(token);
    await translate(token, { scopes: ['api2'], target: AT.api2Resource });
    await translate(token, { client: API2_CLIENT });
    expect(used).toEqual(new Set());
    answer = ACTIVE;
    expect(await translate(token)).toMatchObject({ kind: 'subject' });
  });

  test.each<[string, Record<string, unknown>]>([
    ['whose azp names another client', { azp: 'api2.client' }],
    ['of a user who is disabled here', { sub: 'bob@partner' }],
    ['of somebody unmapped', { sub: ALICE }],
    ['that is too old', { iat: NOW - 400 }],
    ['that carries an act', { act: { sub: 'partner.client' } }],
    ['for another audience', { aud: AT.api1Resource }],
  ])('%s is refused', async (_title, claims) => {
    const result = await translate(await signAsPartner(claims));
    expect(result).toMatchObject({ kind: 'refusal', error: 'invalid_grant', reason: 'subject_token' });
    expect(asked).toEqual([]);
  });
});
