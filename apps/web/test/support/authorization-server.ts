import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

export const API = 'http://api1.test';
export const CLIENT_ID = 'web.client';
export const REDIRECT_URI = 'http://web.test/callback';

export interface TestAuthorizationServer {
  readonly issuer: string;
  /** Who signs in next, without a form; undefined: nobody can without being asked. */
  readonly browser: TestBrowser;
  /** The refresh tokens that reached the token endpoint, in order. */
  readonly spent: readonly string[];
  /** The next answer of the token endpoint is carried out and then lost on the way. */
  loseNextTokenAnswer(): void;
  /** From now on token answers say that so much less of the session is left. */
  shortenSessions(seconds: number): void;
  /** From now on nothing is answered. */
  stop(): Promise<void>;
}

/** A browser's part in the authorization code flow: it keeps cookies and follows redirects up to the client's own address. */
export interface TestBrowser {
  /** The callback address with the answer, or undefined where a page was shown or nothing came. */
  readonly follow: (url: string) => Promise<string | undefined>;
  /** The person at the browser. */
  signInAs(subject: string): void;
  /** Signed out elsewhere: the login session is gone. */
  forget(): void;
}

/** A real OpenID provider with strict rotation, two resources and a sign-in page that fills itself in. */
export async function startAuthorizationServer(): Promise<TestAuthorizationServer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  const provider = createProvider(issuer);
  const spent: string[] = [];
  let loseNext = false;
  let shortened = 0;
  let subject = 'usr_1';
  const jar = new Map<string, string>();

  provider.use(async (ctx, next) => {
    await next();
    const { refresh_token: refreshToken } =
      (ctx['oidc'] as { body?: Record<string, string> } | undefined)?.body ?? {};
    if (ctx.path !== '/token') return;
    if (refreshToken !== undefined) spent.push(refreshToken);
    if (ctx.status === 200)
      ctx.body = { ...(ctx.body as object), refresh_token_expires_in: SESSION_SECONDS - shortened };
    if (!loseNext) return;
    loseNext = false;
    ctx.req.socket.destroy();
  });
  const handle = provider.callback();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.startsWith('/interaction/')) return void handle(request, response);
    void provider.interactionFinished(request, response, { login: { accountId: subject } });
  });

  return {
    issuer,
    spent,
    loseNextTokenAnswer: () => (loseNext = true),
    shortenSessions: (seconds) => (shortened = seconds),
    stop: () => stop(server),
    browser: {
      follow: (url) => follow(url, jar),
      signInAs: (name) => (subject = name),
      forget: () => jar.clear(),
    },
  };
}

function createProvider(issuer: string): Provider {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const provider: Provider = new Provider(issuer, {
    jwks: { keys: [{ ...key, alg: 'ES256', use: 'sig', kid: 'test' }] },
    cookies: { keys: ['test'] },
    clients: [
      {
        client_id: CLIENT_ID,
        token_endpoint_auth_method: 'none',
        redirect_uris: [REDIRECT_URI],
        grant_types: ['authorization_code', 'refresh_token'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, name: `Name of ${sub}` }) }),
    claims: { openid: ['sub'], profile: ['name'] },
    conformIdTokenClaims: false,
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => API,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: resource === issuer ? 'account' : 'api1',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    rotateRefreshToken: () => true,
    issueRefreshToken: async () => true,
    expiresWithSession: async () => true,
    loadExistingGrant: async (ctx) => {
      const { client, session } = ctx.oidc;
      const grant = new provider.Grant({
        clientId: client?.clientId ?? '',
        accountId: session?.accountId ?? '',
      });
      grant.addOIDCScope('openid profile offline_access');
      grant.addResourceScope(API, 'api1');
      grant.addResourceScope(issuer, 'account');
      await grant.save();
      return grant;
    },
    ttl: {
      Session: SESSION_SECONDS,
      Grant: SESSION_SECONDS,
      RefreshToken: SESSION_SECONDS,
      IdToken: 600,
      AccessToken: 600,
      Interaction: 600,
    },
  });
  return provider;
}

/** How much of the session a token answer says is left. */
export const SESSION_SECONDS = 3600;

const MAXIMUM_REDIRECTS = 10;

async function follow(start: string, jar: Map<string, string>): Promise<string | undefined> {
  let url = start;
  for (let redirects = 0; redirects < MAXIMUM_REDIRECTS && !url.startsWith(REDIRECT_URI); redirects += 1) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } }).catch(() => undefined);
    for (const line of response?.headers.getSetCookie() ?? []) keepCookie(line, jar);
    const location = response?.headers.get('location');
    if (!location) return undefined;
    url = new URL(location, url).href;
  }
  return url;
}

function keepCookie(line: string, jar: Map<string, string>): void {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  if (value === '') jar.delete(name);
  else jar.set(name, value);
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
