import { createHash, randomBytes } from 'node:crypto';
import { Browser, type BrowserPage } from './browser.ts';
import { API1, REDIRECT_URI } from './sts.ts';

export interface SignInOptions {
  readonly username?: string;
  readonly password?: string;
  readonly scope?: string;
  readonly resource?: readonly string[];
  /** Further or other parameters of the authorization request. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly browser?: Browser;
}

export interface Authorization {
  readonly code: string;
  readonly codeVerifier: string;
  readonly browser: Browser;
  /** Where the browser was sent: the redirect URI with its query. */
  readonly redirect: URL;
}

export interface TokenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export function newVerifier(): string {
  return randomBytes(32).toString('base64url');
}

/** The address of an authorization request of web.client (RFC 7636, RFC 8707). */
export function authorizeUrl(issuer: string, codeVerifier: string, options: SignInOptions = {}): string {
  const query = new URLSearchParams({
    client_id: 'web.client',
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: options.scope ?? 'openid profile email offline_access api1',
    state: 'a-state',
    code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...options.parameters,
  });
  for (const resource of options.resource ?? [API1]) query.append('resource', resource);
  return `${issuer}/connect/authorize?${query.toString()}`;
}

/** Signs a user in through the pages, up to the code. */
export async function authorize(issuer: string, options: SignInOptions = {}): Promise<Authorization> {
  const browser = options.browser ?? new Browser(issuer);
  const codeVerifier = newVerifier();
  let page: BrowserPage = await browser.open(authorizeUrl(issuer, codeVerifier, options));
  if (page.body.includes('name="password"')) {
    const { username = 'alice', password = username } = options;
    page = await browser.submit(page, { username, password });
  }
  const redirect = new URL(page.url);
  const code = redirect.searchParams.get('code');
  if (code === null) throw new Error(`no code: ${page.status} ${page.url} ${page.body.slice(0, 600)}`);
  return { code, codeVerifier, browser, redirect };
}

/** A form post as a client sends it: the token endpoint and its like. */
export async function post(
  url: string,
  form: Readonly<Record<string, string>> | URLSearchParams,
  headers: Readonly<Record<string, string>> = {},
): Promise<TokenAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { ...headers },
  });
  const text = await response.text();
  let body: Record<string, unknown> = {};
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    body = { text };
  }
  return { status: response.status, headers: response.headers, body };
}

export function redeem(
  issuer: string,
  { code, codeVerifier }: Pick<Authorization, 'code' | 'codeVerifier'>,
  parameters: Readonly<Record<string, string>> = { resource: API1 },
): Promise<TokenAnswer> {
  return post(`${issuer}/connect/token`, {
    grant_type: 'authorization_code',
    client_id: 'web.client',
    redirect_uri: REDIRECT_URI,
    code,
    code_verifier: codeVerifier,
    ...parameters,
  });
}

export function refresh(
  issuer: string,
  refreshToken: unknown,
  parameters: Readonly<Record<string, string>> = { resource: API1 },
): Promise<TokenAnswer> {
  return post(`${issuer}/connect/token`, {
    grant_type: 'refresh_token',
    client_id: 'web.client',
    refresh_token: String(refreshToken),
    ...parameters,
  });
}

/** Signs in and redeems: what web.client holds afterwards. */
export async function signIn(issuer: string, options: SignInOptions = {}) {
  const authorization = await authorize(issuer, options);
  const answer = await redeem(issuer, authorization, { resource: options.resource?.[0] ?? API1 });
  if (answer.status !== 200) throw new Error(`no token: ${JSON.stringify(answer.body)}`);
  return {
    ...authorization,
    accessToken: String(answer.body['access_token']),
    refreshToken: String(answer.body['refresh_token']),
    idToken: String(answer.body['id_token']),
    answer: answer.body,
  };
}

/** `Authorization` of a client with a secret (RFC 6749 §2.3.1). */
export function basic(clientId: string, secret = 'secret'): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` };
}
