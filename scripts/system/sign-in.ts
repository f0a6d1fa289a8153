import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface SignInOptions {
  readonly issuer: string;
  /** The web client's address: its redirect URI lies below. */
  readonly webUrl: string;
  /** The API that the access token is for (RFC 8707). */
  readonly resource: string;
  readonly scope?: string;
  readonly username: string;
  readonly password?: string;
  /** Default: the web client with its redirect URI. Another client's user agrees on the consent page. */
  readonly client?: { readonly id: string; readonly redirectUri: string };
  /** Further parameters of the authorization request. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Of the same browser, from an earlier sign-in. */
  readonly cookies?: string;
  /** Sends the requests, for a caller that records them. It must not follow redirects. */
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

const MOST_STEPS = 12;

/**
 * Signs a user in over plain HTTP, as the web client in a browser does: authorization code, PKCE, the sign-in form and the
 * token request. For tests and measurements. Throws with the status and the path when a step is refused.
 */
export async function signInOverHttp(options: SignInOptions): Promise<SignedIn> {
  const { issuer, webUrl, resource, scope = 'openid profile api1', fetch: send = fetch } = options;
  const verifier = randomBytes(32).toString('base64url');
  const { id: clientId, redirectUri } = options.client ?? {
    id: 'web.client',
    redirectUri: `${webUrl}/callback`,
  };
  const authorize = new URL(`${issuer}/connect/authorize`);
  authorize.search = new URLSearchParams({
    client_id: clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope,
    resource,
    state: randomBytes(8).toString('hex'),
    nonce: randomBytes(8).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...options.parameters,
  }).toString();
  const { callback, cookies } = await passLogin(authorize, redirectUri, options);
  const code = callback.searchParams.get('code');
  if (code === null) throw new Error(`not signed in: ${callback.searchParams.get('error')}`);
  const response = await send(`${issuer}/connect/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientId,
      code,
      code_verifier: verifier,
      redirect_uri: redirectUri,
      resource,
    }),
  });
  const body = (await response.json()) as Record<string, string>;
  const { access_token: accessToken, refresh_token: refreshToken, id_token: idToken } = body;
  if (!response.ok || accessToken === undefined)
    throw new Error(`no token: ${response.status} ${body['error']}`);
  return { accessToken, refreshToken, idToken, code, cookies };
}

/** Follows redirects and fills in the forms, with a browser's cookies, until the redirect URI is reached. */
async function passLogin(authorize: URL, redirectUri: string, options: SignInOptions) {
  const { username, password = username, fetch: send = fetch } = options;
  const jar = new Map<string, string>(pairsOf(options.cookies ?? ''));
  const cookies = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  let at = authorize;
  let form: URLSearchParams | undefined;
  for (let step = 0; step < MOST_STEPS; step++) {
    const response = await send(at, {
      ...(form && { method: 'POST', body: form }),
      redirect: 'manual',
      headers: { ...(form && { origin: at.origin }), accept: 'text/html', cookie: cookies() },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) {
      const page = await response.text();
      const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&');
      if (!response.ok || action === undefined)
        throw new Error(`not signed in: ${response.status} at ${at.pathname}`);
      const answer = page.includes('name="password"') ? { username, password } : { action: 'allow' };
      form = new URLSearchParams({ ...hiddenFields(page), ...answer });
      at = new URL(action, at);
    } else {
      form = undefined;
      at = new URL(location, at);
      if (at.href.startsWith(redirectUri)) return { callback: at, cookies: cookies() };
    }
  }
  throw new Error('not signed in: too many redirects');
}

function pairsOf(cookies: string): [name: string, value: string][] {
  return cookies.split('; ').flatMap((pair) => {
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
    return name === '' ? [] : [[name, value]];
  });
}

/**
 * Makes every login session of a system older, as if that much more time had passed since the password was typed. Tokens
 * that were issued before keep what they say.
 */
export function ageSignIns({ dataDirectory }: { readonly dataDirectory: string }, seconds: number): void {
  const database = new DatabaseSync(join(dataDirectory, 'sts.db'), { timeout: 10_000 });
  try {
    database
      .prepare(
        `update oidc_records set payload = json_set(payload, '$.loginTs', payload ->> '$.loginTs' - ?)
          where model = 'Session' and payload ->> '$.loginTs' is not null`,
      )
      .run(seconds);
  } finally {
    database.close();
  }
}

function hiddenFields(page: string): Record<string, string> {
  const fields = [...page.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]) =>
    ['name', 'value'].map((attribute) => new RegExp(`${attribute}="([^"]*)"`).exec(input)?.[1] ?? ''),
  );
  return Object.fromEntries(fields) as Record<string, string>;
}
