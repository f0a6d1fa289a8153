/** A team's program that uses the packed packages: an API that verifies tokens, and a provider with a grant of its own. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAccessTokenVerifier } from '@behalf/auth';
import { authOf, requireAccessToken, requireScope } from '@behalf/auth/express';
import { createTestIssuer } from '@behalf/auth/testing';
import {
  extraTokenClaims,
  grantSubject,
  refuse,
  registerExtensionGrants,
  type ExtensionGrantRequest,
  type ExtensionGrantValidator,
  type ApiDirectory,
} from '@behalf/extension-grants';
import express, { type ErrorRequestHandler } from 'express';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

const ORDERS = 'https://orders.example';

/** Never called: it compiles only when the packed types are read, and none of them has become `any`. */
export const wrongUses = [
  // @ts-expect-error -- the audience is not optional
  () => createAccessTokenVerifier({ issuer: ORDERS }),
  // @ts-expect-error -- a scope is a text
  () => requireScope(1),
  // @ts-expect-error -- a validator answers with a result
  (): ExtensionGrantValidator => ({ grantType: 'badge', validate: async () => 'yes' }),
  // @ts-expect-error -- it takes a provider
  () => registerExtensionGrants('provider', { validators: [], apis: undefined }),
];

const listen = async (handler: Parameters<typeof createServer>[1]) => {
  const server = createServer(handler);
  await new Promise<void>((resolve) => void server.listen(0, 'localhost', resolve));
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  return { url, close: () => server.close() };
};

async function protectedApi() {
  const issuer = createTestIssuer();
  const keys = await issuer.listen();
  const verifier = createAccessTokenVerifier({
    issuer: issuer.issuer,
    audience: issuer.audience,
    jwksUri: keys.jwksUri,
  });
  const app = express();
  app.get('/orders', requireAccessToken(verifier), requireScope('api'), (req, res) => {
    const caller: string = authOf(req).sub;
    res.json({ caller });
  });
  const onError: ErrorRequestHandler = (error: { status?: number }, _req, res, _next) =>
    void res.status(error.status ?? 500).end();
  const { url, close } = await listen(app.use(onError));
  const get = (token?: string) =>
    fetch(`${url}/orders`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  const good = await get(issuer.mint());
  const answers = {
    good: [good.status, await good.json()],
    none: (await get()).headers.get('www-authenticate'),
    foreign: (await get(issuer.mint({ aud: ORDERS }))).status,
  };
  close();
  await keys.close();
  return answers;
}

async function providerWithGrant() {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'k1' };
  const apis: ApiDirectory = {
    resolve: (name) => (name === ORDERS ? ORDERS : undefined),
    ownerOf: (scope) => (scope === 'orders.read' ? ORDERS : undefined),
    scopesOf: () => ['orders.read'],
  };
  const provider = new Provider('http://localhost', {
    jwks: { keys: [jwk] },
    extraTokenClaims,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: [
      {
        client_id: 'till',
        client_secret: 'secret',
        grant_types: ['badge'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: 'orders.read',
          audience: ORDERS,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  const validate = async ({ raw }: ExtensionGrantRequest) =>
    raw['badge'] === '4711'
      ? grantSubject({ subject: 'usr_1', authenticationMethod: 'badge' })
      : refuse('invalid_grant', 'the badge is unknown');
  registerExtensionGrants(provider, { validators: [{ grantType: 'badge', validate }], apis });
  provider.on('server_error', (_ctx, error) => void process.stderr.write(`${error.stack}\n`));
  const callback = provider.callback();
  const { url, close } = await listen((req, res) => void callback(req, res));
  const post = async (badge: string) => {
    const body = {
      grant_type: 'badge',
      scope: 'orders.read',
      badge,
      client_id: 'till',
      client_secret: 'secret',
    };
    const response = await fetch(`${url}/token`, { method: 'POST', body: new URLSearchParams(body) });
    return [response.status, (await response.json()) as Record<string, unknown>] as const;
  };
  const [status, granted] = await post('4711');
  const [, refused] = await post('4712');
  close();
  return { status, scope: granted['scope'], refused: refused['error'] };
}

process.stdout.write(JSON.stringify({ api: await protectedApi(), provider: await providerWithGrant() }));
