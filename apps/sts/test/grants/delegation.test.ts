import type { ExtensionGrantRequest } from '@behalf/extension-grants';
import { beforeEach, describe, expect, test } from 'vitest';
import { createDelegationGrant } from '../../src/grants/delegation.ts';
import { DEVELOPMENT_ADDRESSES as AT } from '../../src/registry/apis.ts';
import { DELEGATION_GRANT } from '../../src/registry/clients.ts';
import { ALICE } from '../../src/registry/users-and-issuers.ts';
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

let bench: GrantBench;

beforeEach(async () => {
  bench = await createGrantBench();
});

async function delegate(token: string | undefined, overrides: Partial<ExtensionGrantRequest> = {}) {
  const raw = token === undefined ? {} : { token };
  return createDelegationGrant(bench.ports).validate(requestOf(DELEGATION_GRANT, raw, overrides));
}

test('the client acts for the user: same subject, derived from the token, at the target of the policy', async () => {
  const asked = { scopes: ['api2'], target: AT.api2Resource };
  expect(await delegate(await bench.mint(USER_CLAIMS), asked)).toMatchObject({
    kind: 'subject',
    subject: ALICE,
    actor: 'api1.client',
    subjectToken: { jti: 'users-token', sessionId: 'session-of-alice' },
    scopes: ['api2'],
    target: AT.api2Resource,
    claims: {},
    issuedTokenType: undefined,
  });
});

test('without a scope the client gets those of the policy', async () => {
  expect(await delegate(await bench.mint(USER_CLAIMS))).toMatchObject({ kind: 'subject', scopes: ['api2'] });
});

describe('refuses with invalid_grant, reason subject_token', () => {
  test('no token', async () => {
    expect(await delegate(undefined)).toMatchObject({ error: 'invalid_grant', reason: 'subject_token' });
  });

  test.each<[string, Record<string, unknown>, { typ?: string }]>([
    ['an ID token (RFC 9068 §4)', USER_CLAIMS, { typ: 'JWT' }],
    ['a logout token', USER_CLAIMS, { typ: 'logout+jwt' }],
    ['an expired token', { ...USER_CLAIMS, exp: NOW - 60 }, {}],
    ['a token of another issuer', { ...USER_CLAIMS, iss: 'https://other.example' }, {}],
    ['an actor token', ACTOR_CLAIMS, {}],
    ['a client’s own token without a rule for it', { ...MACHINE_CLAIMS, scope: 'other' }, {}],
    ['a token that was issued to another API (RFC 8693 §2.1)', DELEGATED_CLAIMS, {}],
    ['a token of the STS’s own audience', { ...USER_CLAIMS, aud: AT.issuer, scope: 'account' }, {}],
    ['a malformed act', { ...USER_CLAIMS, act: 'api9.client' }, {}],
    ['an act with exp inside (RFC 8693 §4.1)', { ...USER_CLAIMS, act: { sub: 'a', exp: NOW } }, {}],
  ])('%s', async (_title, claims, header) => {
    const result = await delegate(await bench.mint(claims, header));
    expect(result).toMatchObject({ kind: 'refusal', error: 'invalid_grant', reason: 'subject_token' });
  });

  test.each(['not a token', 'a.b.c'])('%s', async (token) => {
    expect(await delegate(token)).toMatchObject({
      error: 'invalid_grant',
      reason: 'subject_token',
      subjectToken: undefined,
    });
  });

  test('a forged token, without believing a word of it', async () => {
    const result = await delegate(await bench.forge(USER_CLAIMS));
    expect(result).toMatchObject({
      error: 'invalid_grant',
      detail: 'bad_signature',
      subjectToken: undefined,
    });
  });

  test('a token that has ended, and names it for the ledger', async () => {
    bench.ended.add('users-token');
    const result = await delegate(await bench.mint(USER_CLAIMS));
    expect(result).toMatchObject({
      error: 'invalid_grant',
      detail: 'revoked',
      subjectToken: { subject: ALICE },
    });
  });

  test('a client that does not act for the API in aud', async () => {
    const result = await delegate(await bench.mint(USER_CLAIMS), { client: API2_CLIENT });
    expect(result).toMatchObject({ error: 'invalid_grant', reason: 'subject_token', detail: 'presenter' });
  });
});

describe('refuses with reason policy', () => {
  test.each<[string, string, Partial<ExtensionGrantRequest>]>([
    ['invalid_scope', 'a scope outside the row', { scopes: ['api2.premium'], target: AT.api2Resource }],
    ['invalid_scope', 'one scope too many', { scopes: ['api2', 'api2.premium'], target: AT.api2Resource }],
    [
      'invalid_target',
      'an API that no row leads to',
      { audience: 'subscriptions', target: AT.subscriptionsResource },
    ],
    ['invalid_target', 'its own API', { resource: AT.api1Resource, target: AT.api1Resource }],
  ])('%s: %s', async (error, _title, overrides) => {
    const result = await delegate(await bench.mint(USER_CLAIMS), overrides);
    expect(result).toMatchObject({
      kind: 'refusal',
      error,
      reason: 'policy',
      subjectToken: { subject: ALICE },
    });
  });

  test('invalid_target: a subject token whose scope does not cover it', async () => {
    const result = await delegate(await bench.mint({ ...USER_CLAIMS, scope: '' }));
    expect(result).toMatchObject({ error: 'invalid_target', reason: 'policy' });
  });

  test('invalid_grant: a chain that would be too deep', async () => {
    const result = await delegate(await bench.mint({ ...USER_CLAIMS, act: { sub: 'other.client' } }));
    expect(result).toMatchObject({ error: 'invalid_grant', reason: 'policy', detail: 'depth' });
  });

  test('invalid_target: a client whom the user blocked there, in that session alone', async () => {
    bench.blocked.add(`users-token api1.client ${AT.api2Resource}`);
    const result = await delegate(await bench.mint(USER_CLAIMS));
    expect(result).toMatchObject({ error: 'invalid_target', reason: 'policy', detail: 'blocked' });
    const elsewhere = await delegate(await bench.mint({ ...USER_CLAIMS, jti: 'of-another-session' }));
    expect(elsewhere).toMatchObject({ kind: 'subject' });
  });
});
