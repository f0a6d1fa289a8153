import type { System } from '@behalf/scripts/system';
import { expect, test } from '../support/fixtures.ts';
import {
  askForToken,
  delegatedToken,
  foreignToken,
  secondHopToken,
  tamperedToken,
  unsignedToken,
  userToken,
  type ApiName,
} from '../support/tokens.ts';

const ROUTES: Readonly<Record<ApiName, string>> = {
  api1: '/identity',
  api2: '/accounts',
  subscriptions: '/users/usr_7Q2mZk4TtR9xPa1c',
};

interface Tokens {
  readonly user: string;
  readonly idToken: string;
  readonly delegated: string;
  readonly secondHop: string;
}

/** The good token for each API. */
const GOOD: Readonly<Record<ApiName, (tokens: Tokens) => string>> = {
  api1: ({ user }) => user,
  api2: ({ delegated }) => delegated,
  subscriptions: ({ secondHop }) => secondHop,
};

const APIS = ['api1', 'api2', 'subscriptions'] as const;

test.describe('what each API refuses', () => {
  let tokens: Tokens;

  test.beforeAll(async ({ system }) => {
    const { accessToken, idToken } = await userToken(system);
    const delegated = await delegatedToken(system, accessToken);
    tokens = {
      user: accessToken,
      idToken: idToken ?? '',
      delegated,
      secondHop: await secondHopToken(system, delegated),
    };
  });

  for (const api of APIS) {
    test(`${api} takes a good token`, async ({ system }) => {
      expect((await call(system, api, `Bearer ${GOOD[api](tokens)}`)).status).toBe(200);
    });

    test(`${api} challenges a request without a token, without an error code (RFC 6750 §3.1)`, async ({
      system,
    }) => {
      const { status, challenge } = await call(system, api);
      expect(status).toBe(401);
      expect(challenge).toMatch(/^Bearer /);
      expect(challenge).not.toContain('error=');
      expect(challenge).toContain(
        `resource_metadata="${system.url[api]}/.well-known/oauth-protected-resource"`,
      );
    });

    const bad: Readonly<Record<string, (good: string) => string | Promise<string>>> = {
      'one that is no JWT': () => 'nonsense',
      'one with changed claims': (good) => tamperedToken(good, { sub: 'usr_B8nWf3LsYv6dKe0j' }),
      'one that somebody else signed': (good) => foreignToken(good),
      'one that nobody signed (RFC 8725 §3.1)': (good) => unsignedToken(good),
      'one that has expired and been prolonged': (good) => tamperedToken(good, { exp: 4_000_000_000 }),
      'an ID token (RFC 9068 §4)': () => tokens.idToken,
    };
    for (const [title, make] of Object.entries(bad)) {
      test(`${api} answers 401 invalid_token to ${title}`, async ({ system }) => {
        const { status, challenge, type } = await call(
          system,
          api,
          `Bearer ${await make(GOOD[api](tokens))}`,
        );
        expect(status).toBe(401);
        expect(challenge).toMatch(/^Bearer .*error="invalid_token"/);
        expect(challenge).toContain('resource_metadata="');
        expect(type).toContain('application/problem+json');
      });
    }

    for (const other of APIS.filter((name) => name !== api)) {
      test(`${api} answers 401 to the good token of ${other}: it is addressed to another (RFC 9068 §4)`, async ({
        system,
      }) => {
        const { status, challenge } = await call(system, api, `Bearer ${GOOD[other](tokens)}`);
        expect(status).toBe(401);
        expect(challenge).toContain('error="invalid_token"');
      });
    }
  }

  test('api2 answers 403 insufficient_scope to a token without an actor', async ({ system }) => {
    const { body } = await askForToken(system, 'machine.client', {
      grant_type: 'client_credentials',
      scope: 'api2',
    });
    const { status, challenge } = await call(system, 'api2', `Bearer ${String(body['access_token'])}`);
    expect(status).toBe(403);
    expect(challenge).toContain('error="insufficient_scope"');
  });

  test("subscriptions answers 403 to a question about somebody else's subscription", async ({ system }) => {
    const response = await fetch(`${system.url.subscriptions}/users/usr_B8nWf3LsYv6dKe0j`, {
      headers: { authorization: `Bearer ${tokens.secondHop}` },
    });
    expect(response.status).toBe(403);
  });

  for (const api of APIS) {
    test(`${api} answers 404 to an unknown path, with or without a token`, async ({ system }) => {
      const address = `${system.url[api]}/no-such-thing`;
      expect((await fetch(address)).status).toBe(404);
      const headers = { authorization: `Bearer ${GOOD[api](tokens)}` };
      expect((await fetch(address, { headers })).status).toBe(404);
    });
  }
});

test.describe('what the token endpoint refuses', () => {
  let token: string;
  test.beforeAll(async ({ system }) => {
    token = (await userToken(system)).accessToken;
  });

  const cases: readonly {
    readonly title: string;
    readonly client?: string;
    readonly parameters: () => Record<string, string> | Promise<Record<string, string>>;
    readonly status: number;
    readonly error: string;
  }[] = [
    {
      title: 'a delegation without a token',
      parameters: () => ({ grant_type: 'delegation', scope: 'api2' }),
      status: 400,
      error: 'invalid_grant',
    },
    {
      title: 'a delegation with somebody else’s token',
      parameters: async () => ({ grant_type: 'delegation', scope: 'api2', token: await foreignToken(token) }),
      status: 400,
      error: 'invalid_grant',
    },
    {
      title: 'a delegation with changed claims',
      parameters: () => ({
        grant_type: 'delegation',
        scope: 'api2',
        token: tamperedToken(token, { scope: 'api1 api2' }),
      }),
      status: 400,
      error: 'invalid_grant',
    },
    {
      title: 'a scope that the edge does not give',
      parameters: () => ({ grant_type: 'delegation', scope: 'api2 api2.premium', token }),
      status: 400,
      error: 'invalid_scope',
    },
    {
      title: 'a client with a wrong secret',
      parameters: () => ({ grant_type: 'delegation', scope: 'api2', token, client_secret: 'wrong' }),
      status: 401,
      error: 'invalid_client',
    },
    {
      title: 'a client that the STS alone may act as',
      client: 'userSubscriptionClient',
      parameters: () => ({ grant_type: 'client_credentials', scope: 'subscriptions.read' }),
      status: 401,
      error: 'invalid_client',
    },
    {
      title: 'a grant that the client may not use',
      client: 'machine.client',
      parameters: () => ({ grant_type: 'delegation', scope: 'api2', token }),
      status: 400,
      error: 'unauthorized_client',
    },
    {
      title: 'a grant that nobody knows',
      parameters: () => ({ grant_type: 'urn:example:none' }),
      status: 400,
      error: 'unsupported_grant_type',
    },
  ];
  for (const { title, client = 'api1.client', parameters, status, error } of cases) {
    test(`${title}: ${status} ${error}`, async ({ system }) => {
      const answer = await askForToken(system, client, await parameters());
      expect(answer.body['error']).toBe(error);
      expect(answer.status).toBe(status);
    });
  }

  test('a token that was meant for another client: 400 invalid_grant', async ({ system }) => {
    const delegated = await delegatedToken(system, token);
    const answer = await askForToken(system, 'api1.client', {
      grant_type: 'delegation',
      scope: 'api2',
      token: delegated,
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
});

async function call(system: System, api: ApiName, authorization?: string) {
  const init = authorization === undefined ? {} : { headers: { authorization } };
  const response = await fetch(system.url[api] + ROUTES[api], init);
  await response.body?.cancel();
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate') ?? '',
    type: response.headers.get('content-type') ?? '',
  };
}
