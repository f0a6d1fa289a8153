import { type ExtensionGrantRequest, TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import { beforeEach, describe, expect, test } from 'vitest';
import { ACCESS_TOKEN_TYPE, createTokenExchangeGrant, JWT_TYPE } from '../../src/grants/token-exchange.ts';
import { DEVELOPMENT_ADDRESSES as AT } from '../../src/registry/apis.ts';
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

const ID_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:id_token';

let bench: GrantBench;

beforeEach(async () => {
  bench = await createGrantBench();
});

/** Exchanges; a parameter that is undefined is not sent. */
async function exchange(
  parameters: Record<string, string | undefined>,
  overrides: Partial<ExtensionGrantRequest> = {},
) {
  const raw: Record<string, string> = {};
  for (const [name, value] of Object.entries({ subject_token_type: ACCESS_TOKEN_TYPE, ...parameters })) {
    if (value !== undefined) raw[name] = value;
  }
  const grant = createTokenExchangeGrant({ ...bench.ports, issuer: AT.issuer });
  return grant.validate(requestOf(TOKEN_EXCHANGE_GRANT, raw, overrides));
}

describe('grants', () => {
  test('API1 a token for API2, as the actor for the user (RFC 8693 §1.1)', async () => {
    const result = await exchange({ subject_token: await bench.mint(USER_CLAIMS) });
    expect(result).toMatchObject({
      kind: 'subject',
      subject: ALICE,
      actor: 'api1.client',
      subjectToken: { jti: 'users-token' },
      scopes: ['api2'],
      target: AT.api2Resource,
      issuedTokenType: ACCESS_TOKEN_TYPE,
    });
  });

  test('API2 a token one hop further, with the chain it came with (RFC 8693 §4.1)', async () => {
    const result = await exchange(
      { subject_token: await bench.mint(DELEGATED_CLAIMS) },
      { client: API2_CLIENT },
    );
    expect(result).toMatchObject({
      kind: 'subject',
      actor: 'api2.client',
      subjectToken: { act: { sub: 'api1.client' } },
      target: AT.subscriptionsResource,
    });
  });

  test.each([
    [undefined, ACCESS_TOKEN_TYPE],
    [ACCESS_TOKEN_TYPE, ACCESS_TOKEN_TYPE],
    [JWT_TYPE, JWT_TYPE],
  ])('requested_token_type %s as %s (RFC 8693 §2.2.1)', async (requested, issued) => {
    const result = await exchange({
      subject_token: await bench.mint(USER_CLAIMS),
      requested_token_type: requested,
    });
    expect(result).toMatchObject({ kind: 'subject', issuedTokenType: issued });
  });

  test('a subject token that is called a jwt (RFC 8693 §3)', async () => {
    const result = await exchange({
      subject_token: await bench.mint(USER_CLAIMS),
      subject_token_type: JWT_TYPE,
    });
    expect(result).toMatchObject({ kind: 'subject' });
  });

  test.each([ACCESS_TOKEN_TYPE, JWT_TYPE])(
    'with the client’s own actor token as %s, the same',
    async (type) => {
      const result = await exchange({
        subject_token: await bench.mint(USER_CLAIMS),
        actor_token: await bench.mint(ACTOR_CLAIMS),
        actor_token_type: type,
      });
      expect(result).toMatchObject({ kind: 'subject', subject: ALICE, actor: 'api1.client' });
    },
  );

  test('with an actor token bound to the key of the request’s proof (RFC 9449 §6.1)', async () => {
    const bound = await bench.mint({ ...ACTOR_CLAIMS, cnf: { jkt: 'thumbprint' } });
    const parameters = {
      subject_token: await bench.mint(USER_CLAIMS),
      actor_token: bound,
      actor_token_type: ACCESS_TOKEN_TYPE,
    };
    expect(await exchange(parameters, { dpopThumbprint: 'thumbprint' })).toMatchObject({ kind: 'subject' });
    expect(await exchange(parameters, { dpopThumbprint: 'another' })).toMatchObject({ kind: 'refusal' });
    expect(await exchange(parameters)).toMatchObject({ kind: 'refusal' });
  });
});

describe('refuses with invalid_request (RFC 8693 §2.2.2)', () => {
  test.each<[string, string, Record<string, string | undefined>]>([
    ['no subject_token', '§2.1', { subject_token: undefined }],
    ['no subject_token_type', '§2.1', { subject_token_type: undefined }],
    ['an ID token as the type', '§2.1', { subject_token_type: ID_TOKEN_TYPE }],
    [
      'a refresh token as the type',
      '§2.1',
      { subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
    ],
    [
      'a SAML assertion as the type',
      '§2.1',
      { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' },
    ],
    ['a short type', '§3', { subject_token_type: 'access_token' }],
    ['an ID token as the requested type', '§2.1', { requested_token_type: ID_TOKEN_TYPE }],
    [
      'a refresh token as the requested type',
      '§2.1',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
    ],
    ['actor_token_type without actor_token', '§2.1', { actor_token_type: ACCESS_TOKEN_TYPE }],
    ['actor_token without actor_token_type', '§2.1', { actor_token: 'x' }],
    ['an unknown actor_token_type', '§2.1', { actor_token: 'x', actor_token_type: ID_TOKEN_TYPE }],
  ])('%s (%s)', async (_title, _section, parameters) => {
    const result = await exchange({ subject_token: await bench.mint(USER_CLAIMS), ...parameters });
    expect(result).toMatchObject({ kind: 'refusal', error: 'invalid_request' });
  });

  test.each<[string, Record<string, unknown>, { typ?: string }]>([
    ['an ID token as an access token', USER_CLAIMS, { typ: 'JWT' }],
    ['an expired subject token', { ...USER_CLAIMS, exp: NOW - 60 }, {}],
    ['an actor token as the subject token', ACTOR_CLAIMS, {}],
    ['a client’s own token without a rule for it', { ...MACHINE_CLAIMS, scope: 'other' }, {}],
    ['the wrong presenter', DELEGATED_CLAIMS, {}],
    ['a malformed act', { ...USER_CLAIMS, act: { sub: 7 } }, {}],
  ])('%s, with reason subject_token', async (_title, claims, header) => {
    const result = await exchange({ subject_token: await bench.mint(claims, header) });
    expect(result).toMatchObject({ kind: 'refusal', error: 'invalid_request', reason: 'subject_token' });
  });

  test('an over-deep chain, with reason policy', async () => {
    const act = { sub: 'api1.client', act: { sub: 'other.client' } };
    const token = await bench.mint({ ...DELEGATED_CLAIMS, act });
    const result = await exchange({ subject_token: token }, { client: API2_CLIENT });
    expect(result).toMatchObject({ error: 'invalid_request', reason: 'policy', detail: 'depth' });
  });

  test('a logged out subject token', async () => {
    bench.ended.add('users-token');
    const result = await exchange({ subject_token: await bench.mint(USER_CLAIMS) });
    expect(result).toMatchObject({ error: 'invalid_request', reason: 'subject_token', detail: 'revoked' });
  });
});

describe('refuses an actor token with invalid_request (RFC 8693 §2.2.2)', () => {
  test.each<[string, Record<string, unknown>, { typ?: string }]>([
    ['of somebody else', { ...ACTOR_CLAIMS, sub: 'api2.client', client_id: 'api2.client' }, {}],
    ['of the client with another subject', { ...ACTOR_CLAIMS, sub: 'api2.client' }, {}],
    ['about the client that another one got', { ...ACTOR_CLAIMS, client_id: 'machine.client' }, {}],
    ['that is a user’s (no impersonation)', { ...USER_CLAIMS, aud: AT.issuer, scope: 'actor' }, {}],
    ['that the client got for acting for a user (chain splicing)', DELEGATED_CLAIMS, {}],
    ['with an act of its own (chain splicing)', { ...ACTOR_CLAIMS, act: { sub: 'api2.client' } }, {}],
    ['with a malformed act', { ...ACTOR_CLAIMS, act: [] }, {}],
    ['for another audience', { ...ACTOR_CLAIMS, aud: AT.api2Resource }, {}],
    ['without scope actor', { ...ACTOR_CLAIMS, scope: 'api2' }, {}],
    ['that has expired', { ...ACTOR_CLAIMS, exp: NOW - 60 }, {}],
    ['that is no access token', ACTOR_CLAIMS, { typ: 'JWT' }],
    ['that is bound to a key, without the proof', { ...ACTOR_CLAIMS, cnf: { jkt: 'thumbprint' } }, {}],
  ])('%s', async (_title, claims, header) => {
    const result = await exchange({
      subject_token: await bench.mint(USER_CLAIMS),
      actor_token: await bench.mint(claims, header),
      actor_token_type: ACCESS_TOKEN_TYPE,
    });
    expect(result).toMatchObject({ kind: 'refusal', error: 'invalid_request' });
    expect(result).toMatchObject({ reason: 'policy', detail: expect.stringMatching(/^actor_token: /) });
  });

  test('that has ended', async () => {
    bench.ended.add('actor-token');
    const result = await exchange({
      subject_token: await bench.mint(USER_CLAIMS),
      actor_token: await bench.mint(ACTOR_CLAIMS),
      actor_token_type: ACCESS_TOKEN_TYPE,
    });
    expect(result).toMatchObject({ error: 'invalid_request', detail: 'actor_token: revoked' });
  });

  test('that is forged', async () => {
    const result = await exchange({
      subject_token: await bench.mint(USER_CLAIMS),
      actor_token: await bench.forge(ACTOR_CLAIMS),
      actor_token_type: ACCESS_TOKEN_TYPE,
    });
    expect(result).toMatchObject({ error: 'invalid_request', detail: 'actor_token: bad_signature' });
  });
});

describe('refuses with reason policy', () => {
  test.each<[string, string, Partial<ExtensionGrantRequest>]>([
    [
      'invalid_target',
      'widening through a second audience',
      { audience: 'subscriptions', target: AT.subscriptionsResource },
    ],
    ['invalid_target', 'the STS as the target', { audience: AT.issuer, target: AT.issuer }],
    ['invalid_scope', 'buying a premium scope', { scopes: ['api2.premium'], target: AT.api2Resource }],
    ['invalid_scope', 'one scope too many', { scopes: ['api2', 'api2.premium'], target: AT.api2Resource }],
  ])('%s: %s', async (error, _title, overrides) => {
    const result = await exchange({ subject_token: await bench.mint(USER_CLAIMS) }, overrides);
    expect(result).toMatchObject({ kind: 'refusal', error, reason: 'policy' });
  });

  test('invalid_target: a scope that the subject token’s own scope does not cover', async () => {
    const token = await bench.mint({ ...DELEGATED_CLAIMS, scope: 'api2.premium' });
    const result = await exchange(
      { subject_token: token },
      { client: API2_CLIENT, scopes: ['subscriptions.read'], target: AT.subscriptionsResource },
    );
    expect(result).toMatchObject({ error: 'invalid_target', reason: 'policy' });
  });

  test('invalid_target: a client whom the user blocked', async () => {
    bench.blocked.add(`delegated-token api2.client ${AT.subscriptionsResource}`);
    const token = await bench.mint(DELEGATED_CLAIMS);
    const result = await exchange({ subject_token: token }, { client: API2_CLIENT });
    expect(result).toMatchObject({ error: 'invalid_target', detail: 'blocked' });
  });
});
