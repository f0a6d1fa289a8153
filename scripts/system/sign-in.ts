import { createHash, randomBytes } from 'node:crypto';

export interface SignInOptions {
  readonly issuer: string;
  /** The web client's address: its redirect URI lies below. */
  readonly webUrl: string;
  /** What the access token is for (RFC 8707). */
  readonly resource: string;
  readonly scope?: string;
  readonly username: string;
  readonly password?: string;
  /** How requests are sent, where somebody listens in. It must not follow redirects. */
  readonly fetch?: typeof fetch;
}

export interface SignedIn {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly idToken: string | undefined;
  readonly code: string;
  /** The browser's cookies at the STS, as a `Cookie` header. */
  readonly cookies: string;
}

const CLIENT_ID = 'web.client';
const LONGEST_WAY = 12;

/**
 * Signs a user in over plain HTTP, as the web client in a browser does: authorization code, PKCE, the sign-in form,
 * and the token request. For tests and measurements. Throws with the status and the place when a step is refused.
 */
export async function signInOverHttp(options: SignInOptions): Promise<SignedIn> {
  const { issuer, webUrl, resource, scope = 'openid profile api1', fetch: send = fetch } = options;
  const verifier = randomBytes(32).toString('base64url');
  const redirectUri = `${webUrl}/callback`;
  const authorize = new URL(`${issuer}/connect/authorize`);
  authorize.search = new URLSearchParams({
    client_id: CLIENT_ID,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope,
    resource,
    state: randomBytes(8).toString('hex'),
    nonce: randomBytes(8).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString();
  const browser = createCookieBrowser(send);
  const callback = await reachCallback(browser, authorize, redirectUri, options);
  const code = callback.searchParams.get('code');
  if (code === null) throw new Error(`not signed in: ${callback.searchParams.get('error')}`);
  const response = await send(`${issuer}/connect/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: CLIENT_ID,
      code,
      code_verifier: verifier,
      redirect_uri: redirectUri,
      resource,
    }),
  });
  const body = (await response.json()) as Record<string, string>;
  if (!response.ok || body['access_token'] === undefined) {
    throw new Error(`no token: ${response.status} ${body['error']}`);
  }
  return {
    accessToken: body['access_token'],
    refreshToken: body['refresh_token'],
    idToken: body['id_token'],
    code,
    cookies: browser.cookies(),
  };
}

type CookieBrowser = ReturnType<typeof createCookieBrowser>;

async function reachCallback(
  browser: CookieBrowser,
  authorize: URL,
  redirectUri: string,
  { username, password = username }: SignInOptions,
): Promise<URL> {
  let at = authorize;
  let response = await browser.get(at);
  for (let step = 0; step < LONGEST_WAY; step++) {
    const location = response.headers.get('location');
    if (location !== null) {
      at = new URL(location, at);
      if (at.href.startsWith(redirectUri)) return at;
      response = await browser.get(at);
      continue;
    }
    const page = await response.text();
    const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1];
    if (!response.ok || action === undefined)
      throw new Error(`not signed in: ${response.status} at ${at.pathname}`);
    at = new URL(action.replaceAll('&amp;', '&'), at);
    response = await browser.post(at, new URLSearchParams({ ...hiddenFields(page), username, password }));
  }
  throw new Error('not signed in: too many redirects');
}

function hiddenFields(page: string): Record<string, string> {
  const inputs = page.matchAll(/<input[^>]*type="hidden"[^>]*>/g);
  return Object.fromEntries(
    [...inputs].map(([input]) => [
      /name="([^"]*)"/.exec(input)?.[1] ?? '',
      /value="([^"]*)"/.exec(input)?.[1] ?? '',
    ]),
  );
}

function createCookieBrowser(fetch: typeof globalThis.fetch) {
  const jar = new Map<string, string>();
  const cookies = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const send = async (url: URL, init: RequestInit) => {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...init.headers, accept: 'text/html', cookie: cookies() },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  };
  return {
    cookies,
    get: (url: URL) => send(url, {}),
    post: (url: URL, body: URLSearchParams) =>
      send(url, { method: 'POST', body, headers: { origin: url.origin } }),
  };
}
