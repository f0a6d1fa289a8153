import { TOKEN_EXCHANGE_GRANT } from '@behalf/extension-grants';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DEVELOPMENT_ADDRESSES as AT, createApiRegistry, createApis } from '../../src/registry/apis.ts';
import { DELEGATION_GRANT, TRANSLATION_GRANT } from '../../src/registry/clients.ts';
import { decideDelegation } from '../../src/registry/decide-delegation.ts';
import { subjectTokenOf } from '../support/subject-token.ts';
import { FIXTURE_POLICY } from '../support/policy.ts';

const apis = createApiRegistry(createApis(AT));

const api1Client = { id: 'api1.client', scopes: ['api2', 'api2.premium', 'api2.statistics', 'actor'] };

const api2Client = { id: 'api2.client', scopes: ['subscriptions.read', 'actor'] };

test('whatever is asked, what is granted lies in one row, in the request and in the registration', () => {
  const scope = fc.constantFrom(
    'api1',
    'api2',
    'api2.premium',
    'api2.statistics',
    'subscriptions.read',
    'actor',
    'account',
    '',
  );
  const target = fc.constantFrom(
    undefined,
    ...apis.all.map(({ identifier }) => identifier),
    'https://x.example',
  );
  const chain = fc.array(fc.constantFrom('api1.client', 'api2.client', 'x'), { maxLength: 3 });
  const property = fc.property(
    fc.constantFrom(DELEGATION_GRANT, TRANSLATION_GRANT, TOKEN_EXCHANGE_GRANT),
    fc.constantFrom(api1Client, api2Client, { id: 'web.client', scopes: ['api1', 'account'] }),
    fc.array(scope, { maxLength: 3 }),
    target,
    target,
    fc.array(scope, { maxLength: 3 }),
    chain,
    fc.boolean(),
    fc.boolean(),
    (
      grantType,
      actor,
      scopes,
      requestedTarget,
      audience,
      tokenScopes,
      actorChain,
      targetIsNamed,
      isOfClient,
    ) => {
      const subjectToken = subjectTokenOf({
        ...(isOfClient ? { subject: 'machine.client', clientId: 'machine.client' } : {}),
        audience: audience ?? AT.api1Resource,
        scopes: tokenScopes,
        actorChain,
      });
      const decision = decideDelegation({
        policy: FIXTURE_POLICY,
        apis,
        grantType,
        actor,
        subjectToken,
        requested: { scopes, target: requestedTarget, targetIsNamed },
        hasDpopProof: false,
      });
      if (!decision.ok) return true;
      const { rule } = decision;
      return (
        apis.hasRight(actor.id, subjectToken.audience, 'exchange') &&
        rule.actor === actor.id &&
        rule.by.includes(grantType) &&
        decision.scopes.every((value) => (apis.subjectOf(value) === 'client') === isOfClient) &&
        decision.scopes.length > 0 &&
        decision.scopes.every((value) => rule.scopes.includes(value) && actor.scopes.includes(value)) &&
        (scopes.length === 0 || decision.scopes.join(' ') === scopes.join(' ')) &&
        (requestedTarget === undefined || decision.target === requestedTarget) &&
        actorChain.length < rule.maximumDepth
      );
    },
  );
  expect(fc.check(property, { numRuns: 2000 })).toMatchObject({ failed: false });
});
