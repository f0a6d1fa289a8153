import { type SubjectToken, TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import { describe, expect, test } from 'vitest';
import { DEVELOPMENT_ADDRESSES as AT, createApiRegistry, createApis } from '../../src/registry/apis.ts';
import { DELEGATION_GRANT, TRANSLATION_GRANT } from '../../src/registry/clients.ts';
import {
  decideDelegation,
  type DelegationFault,
  type DelegationQuestion,
} from '../../src/registry/decide-delegation.ts';
import { PARTNER_ISSUER } from '../../src/registry/users-and-issuers.ts';
import { subjectTokenOf } from '../support/subject-token.ts';
import { FIXTURE_POLICY } from '../support/policy.ts';

const apis = createApiRegistry(createApis(AT));

const api1Client = { id: 'api1.client', scopes: ['api2', 'api2.premium', 'api2.statistics', 'actor'] };

const api2Client = { id: 'api2.client', scopes: ['subscriptions.read', 'actor'] };

const partnerToken = subjectTokenOf({
  kind: 'external',
  issuer: PARTNER_ISSUER,
  audience: AT.issuer,
  clientId: undefined,
  scopes: [],
  claims: { azp: 'api1.client' },
});

const machineToken = subjectTokenOf({
  subject: 'machine.client',
  clientId: 'machine.client',
  sessionId: undefined,
  authTime: undefined,
  authenticationMethods: undefined,
});

const tokenForApi2 = subjectTokenOf({
  audience: AT.api2Resource,
  clientId: 'api1.client',
  scopes: ['api2'],
  act: { sub: 'api1.client' },
  actorChain: ['api1.client'],
});

interface Case {
  grantType?: string;
  actor?: DelegationQuestion['actor'];
  subjectToken?: SubjectToken;
  scopes?: readonly string[];
  target?: string;
  targetIsNamed?: boolean;
  policy?: DelegationQuestion['policy'];
  apis?: DelegationQuestion['apis'];
  hasDpopProof?: boolean;
}

function decide(given: Case) {
  return decideDelegation({
    policy: given.policy ?? FIXTURE_POLICY,
    apis: given.apis ?? apis,
    grantType: given.grantType ?? DELEGATION_GRANT,
    actor: given.actor ?? api1Client,
    subjectToken: given.subjectToken ?? subjectTokenOf(),
    requested: {
      scopes: given.scopes ?? [],
      target: given.target,
      targetIsNamed: given.targetIsNamed ?? false,
    },
    hasDpopProof: given.hasDpopProof ?? false,
  });
}

const named = (target: string) => ({ target, targetIsNamed: true });

describe('what the policy allows', () => {
  const cases: [string, Case, { scopes: readonly string[]; target: string }][] = [
    [
      'API1 delegates to API2',
      { scopes: ['api2'], target: AT.api2Resource },
      { scopes: ['api2'], target: AT.api2Resource },
    ],
    [
      'without a request, the scopes and the target of the one row',
      {},
      { scopes: ['api2'], target: AT.api2Resource },
    ],
    [
      'API1 exchanges for API2 (RFC 8693)',
      { grantType: TOKEN_EXCHANGE_GRANT, ...named(AT.api2Resource) },
      { scopes: ['api2'], target: AT.api2Resource },
    ],
    [
      'API1 translates for premium scopes',
      { grantType: TRANSLATION_GRANT },
      { scopes: ['api2.premium'], target: AT.api2Resource },
    ],
    [
      'API1 translates a partner’s token',
      { grantType: TRANSLATION_GRANT, subjectToken: partnerToken },
      { scopes: ['api2.premium'], target: AT.api2Resource },
    ],
    [
      'API1 delegates for a client, which gets the scope for clients',
      { subjectToken: machineToken },
      { scopes: ['api2.statistics'], target: AT.api2Resource },
    ],
    [
      'API2 exchanges one hop further',
      { grantType: TOKEN_EXCHANGE_GRANT, actor: api2Client, subjectToken: tokenForApi2 },
      { scopes: ['subscriptions.read'], target: AT.subscriptionsResource },
    ],
  ];
  test.each(cases)('%s', (_title, given, expected) => {
    expect(decide(given)).toMatchObject({ ok: true, ...expected });
  });

  test('a default scope that the client is not registered for is left out', () => {
    const policy = [
      {
        actor: 'api1.client',
        subjectToken: { api: 'api1', scope: 'api1' },
        to: 'api2',
        by: [DELEGATION_GRANT],
        scopes: ['api2', 'api2.premium'],
        maximumDepth: 1,
      },
    ];
    const actor = { id: 'api1.client', scopes: ['api2'] };
    expect(decide({ policy, actor })).toMatchObject({ ok: true, scopes: ['api2'] });
  });
});

describe('what the policy refuses', () => {
  const cases: [string, DelegationFault, Case][] = [
    [
      'a client that does not act for the API in aud',
      'presenter',
      { actor: api2Client, grantType: TOKEN_EXCHANGE_GRANT },
    ],
    [
      'a token of the STS’s own audience',
      'presenter',
      { subjectToken: subjectTokenOf({ audience: AT.issuer }) },
    ],
    [
      'an audience that nobody registered',
      'presenter',
      { subjectToken: subjectTokenOf({ audience: 'https://elsewhere.example' }) },
    ],
    ['a short name in aud', 'presenter', { subjectToken: subjectTokenOf({ audience: 'api1' }) }],
    [
      'a partner’s token whose azp names another client',
      'presenter',
      { grantType: TRANSLATION_GRANT, subjectToken: { ...partnerToken, claims: { azp: 'api2.client' } } },
    ],
    [
      'a partner’s token without azp',
      'presenter',
      { grantType: TRANSLATION_GRANT, subjectToken: { ...partnerToken, claims: {} } },
    ],
    [
      'a client’s own token for a user’s scope',
      'client_token',
      { subjectToken: machineToken, scopes: ['api2'] },
    ],
    [
      'a client’s own token by translation',
      'client_token',
      { grantType: TRANSLATION_GRANT, subjectToken: machineToken },
    ],
    [
      'a client’s own token at another target',
      'client_token',
      { subjectToken: machineToken, ...named(AT.subscriptionsResource) },
    ],
    [
      'a client’s own token without the scope of the row',
      'client_token',
      { subjectToken: { ...machineToken, scopes: [] } },
    ],
    [
      'a user’s token for the scope of clients',
      'scope',
      { scopes: ['api2.statistics'], target: AT.api2Resource },
    ],
    [
      'a token that was derived from a client’s',
      'no_rule',
      {
        grantType: TOKEN_EXCHANGE_GRANT,
        actor: api2Client,
        subjectToken: { ...tokenForApi2, subject: 'machine.client', scopes: ['api2.statistics'] },
      },
    ],
    ['a partner’s token by delegation', 'no_rule', { subjectToken: partnerToken }],
    [
      'a partner’s token by token exchange',
      'no_rule',
      { grantType: TOKEN_EXCHANGE_GRANT, subjectToken: partnerToken },
    ],
    [
      'another trusted issuer’s token',
      'no_rule',
      { grantType: TRANSLATION_GRANT, subjectToken: { ...partnerToken, issuer: 'https://other.example' } },
    ],
    [
      'a subject token without the scope of the row',
      'no_rule',
      { subjectToken: subjectTokenOf({ scopes: [] }) },
    ],
    [
      'a premium token where the row wants api2',
      'no_rule',
      {
        grantType: TOKEN_EXCHANGE_GRANT,
        actor: api2Client,
        subjectToken: { ...tokenForApi2, scopes: ['api2.premium'] },
      },
    ],
    ['a target without a row', 'no_rule', { ...named(AT.subscriptionsResource) }],
    ['the API itself as the target', 'no_rule', { ...named(AT.api1Resource) }],
    ['the STS as the target', 'no_rule', { ...named(AT.issuer), scopes: ['actor'] }],
    [
      'a scope of the same API outside the row',
      'scope',
      { scopes: ['api2.premium'], target: AT.api2Resource },
    ],
    ['one scope too many', 'scope', { scopes: ['api2', 'api2.premium'], target: AT.api2Resource }],
    [
      'the plain scope by translation',
      'scope',
      { grantType: TRANSLATION_GRANT, scopes: ['api2'], target: AT.api2Resource },
    ],
    ['a scope of an API that no row leads to', 'scope', { scopes: ['actor'], target: AT.issuer }],
    [
      'a scope the client is not registered for',
      'scope',
      { actor: { id: 'api1.client', scopes: ['actor'] }, scopes: ['api2'], target: AT.api2Resource },
    ],
    [
      'a row of which the client is registered for nothing',
      'scope',
      { actor: { id: 'api1.client', scopes: [] } },
    ],
    [
      'a chain deeper than the row allows',
      'depth',
      { subjectToken: subjectTokenOf({ act: { sub: 'other.client' }, actorChain: ['other.client'] }) },
    ],
    [
      'a chain deeper than the second hop allows',
      'depth',
      {
        grantType: TOKEN_EXCHANGE_GRANT,
        actor: api2Client,
        subjectToken: { ...tokenForApi2, actorChain: ['api1.client', 'other.client'] },
      },
    ],
    [
      'a bearer request where the row wants a bound token',
      'dpop_required',
      { policy: FIXTURE_POLICY.map((rule) => ({ ...rule, requireDpop: true })) },
    ],
    [
      'a request that fits two targets',
      'target',
      {
        policy: [
          ...FIXTURE_POLICY,
          {
            actor: 'api1.client',
            subjectToken: { api: 'api1', scope: 'api1' },
            to: 'subscriptions',
            by: [DELEGATION_GRANT],
            scopes: ['subscriptions.read'],
            maximumDepth: 1,
          },
        ],
      },
    ],
  ];
  test.each(cases)('%s: %s', (_title, fault, given) => {
    expect(decide(given)).toMatchObject({ ok: false, fault });
  });

  test('no_rule: a client that may present the token, but for whom there is no row', () => {
    const shared = createApis(AT).map((resource) =>
      resource.name === 'api1'
        ? { ...resource, clients: [{ id: 'api2.client', rights: ['exchange' as const] }] }
        : resource,
    );
    const given = { actor: { ...api1Client, id: 'api2.client' }, apis: createApiRegistry(shared) };
    expect(decide(given)).toMatchObject({ ok: false, fault: 'no_rule' });
  });

  test('a bound request where the row wants one passes', () => {
    const policy = FIXTURE_POLICY.map((rule) => ({ ...rule, requireDpop: true }));
    expect(decide({ policy, hasDpopProof: true })).toMatchObject({ ok: true });
  });
});
