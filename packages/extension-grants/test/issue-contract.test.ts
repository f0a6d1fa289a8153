/** A breach of the contract between a validator, the configuration and oidc-provider is a 500, and never a token. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClientGrant, SubjectGrant } from '../src/contract.ts';
import { grantClient, grantSubject } from '../src/results.ts';
import {
  as,
  BILLING,
  GRANTS,
  MACHINE,
  ORDERS,
  startTestServer,
  subjectToken,
  type TestServer,
  USER,
} from './support/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.close());

beforeEach(() => {
  for (const seen of [server.refused, server.errors, server.issued]) seen.length = 0;
});

const EXCHANGE = { subject: USER, actor: 'tier', scopes: ['billing'], target: BILLING };

const REQUEST = { grant_type: 'test', ...as('tier') };

describe('a result that breaks the contract is a 500 without details, and no token', () => {
  const from = subjectToken();
  const derived: SubjectGrant = grantSubject({ ...EXCHANGE, subjectToken: from });
  const client: ClientGrant = grantClient({ scopes: ['billing'] });

  test.each<[string, RegExp, () => SubjectGrant | ClientGrant]>([
    [
      'another subject than that of its subject token',
      /that of its subject token/,
      () => ({ ...derived, subject: 'usr_2' }),
    ],
    [
      'its subject token without an actor',
      /must be the authenticated client/,
      () => ({ ...derived, actor: undefined }),
    ],
    [
      'an actor without its subject token',
      /derived from/,
      () => ({ ...derived, subjectToken: undefined, authenticationMethod: 'pwd' }),
    ],
    [
      'a user of unknown authentication',
      /authenticationMethod/,
      () => ({ ...derived, subjectToken: undefined, actor: undefined }),
    ],
    [
      'another actor than the client',
      /must be the authenticated client/,
      () => ({ ...derived, actor: 'web' }),
    ],
    ['a scope of another API', /is not one of/, () => ({ ...derived, scopes: ['orders.read'] })],
    [
      'a scope not registered for the client',
      /not registered/,
      () => ({ ...client, scopes: ['orders.admin'], target: ORDERS }),
    ],
    [
      'a target that is a short name',
      /resource identifier/,
      () => ({ ...client, scopes: [], target: 'billing' }),
    ],
    [
      'a target that is not registered',
      /resource identifier/,
      () => ({ ...client, target: 'https://elsewhere.example' }),
    ],
    ['a lifetime of nothing', /whole number/, () => ({ ...client, lifetimeSeconds: 0 })],
    ['a lifetime below nothing', /whole number/, () => ({ ...client, lifetimeSeconds: -5 })],
    ['a lifetime in fractions', /whole number/, () => ({ ...client, lifetimeSeconds: 1.5 })],
    ['a protocol claim', /act/, () => ({ ...derived, claims: { act: { sub: 'nobody' } } })],
    [
      'a protocol claim, stated by the right function',
      /failed/,
      () => grantClient({ claims: { sub: 'usr_2' } }),
    ],
    ['a reserved response member', /access_token/, () => ({ ...client, response: { access_token: 'x' } })],
  ])('%s', async (_, message, grant) => {
    server.grant = grant;
    const response = await server.post(REQUEST);
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({
      error: 'server_error',
      error_description: 'oops! something went wrong',
    });
    expect(server.errors).toMatchObject([{ message: expect.stringMatching(message) as string }]);
    expect(server.issued).toEqual([]);
    expect(server.refused).toEqual([]);
  });
});

describe('oidc-provider’s own word on an API', () => {
  const withResourceServer = (info: object) =>
    startTestServer({
      configuration: {
        features: {
          devInteractions: { enabled: false },
          resourceIndicators: {
            enabled: true,
            getResourceServerInfo: () => ({ scope: 'billing', accessTokenFormat: 'jwt', ...info }),
          },
        },
        clients: [{ ...MACHINE, client_id: 'tier', grant_types: GRANTS }],
      },
    });

  test('may shorten a token’s life', async () => {
    const own = await withResourceServer({ accessTokenTTL: 40 });
    try {
      own.grant = () => grantSubject({ ...EXCHANGE, subjectToken: subjectToken() });
      expect(await (await own.post(REQUEST)).json()).toMatchObject({ expires_in: 40 });
    } finally {
      await own.close();
    }
  });

  test('does not narrow a token silently', async () => {
    const own = await withResourceServer({ scope: 'something' });
    try {
      own.grant = () => grantSubject({ ...EXCHANGE, subjectToken: subjectToken() });
      expect((await own.post(REQUEST)).status).toBe(500);
      expect(own.errors[0]?.message).toContain('getResourceServerInfo');
    } finally {
      await own.close();
    }
  });
});

test('a configuration that drops the claims of a grant is found out before a token leaves', async () => {
  const careless = await startTestServer({ configuration: { extraTokenClaims: () => undefined } });
  try {
    careless.grant = () => grantSubject({ ...EXCHANGE, subjectToken: subjectToken() });
    const response = await careless.post(REQUEST);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('access_token');
    expect(careless.errors[0]?.message).toContain('extraTokenClaims');
  } finally {
    await careless.close();
  }
});
