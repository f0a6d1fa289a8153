/** Behalf's services as processes, and what a user and a client do there over HTTP. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDER, nextPort, ROOT, startServer, type Server } from './processes.ts';

export interface BehalfOptions {
  /** Names the folder of its data: what was started before under this name is found again. */
  readonly name: string;
  /** How many processes of the STS, all of one issuer. */
  readonly replicas?: number;
  /** The STS's database; SQLite by default. */
  readonly databaseUrl?: string;
  /** The APIs are started as well: `cold` is a second API1 that caches no exchanged token. */
  readonly apis?: boolean;
}

export interface Behalf {
  readonly issuer: string;
  readonly api1: string;
  readonly sts: readonly Server[];
  readonly apis: Readonly<Record<'subscriptions' | 'api2' | 'api1' | 'cold', Server>> | undefined;
  stop(): Promise<void>;
}

/** Node’s flags of a deployment; `SERVICE_FLAGS` replaces them. */
const FLAGS = (
  process.env['SERVICE_FLAGS'] ??
  /NODE_OPTIONS="([^"]*)"/.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))?.[1] ??
  ''
).split(' ');

type Ports = Readonly<Record<'sts' | 'api1' | 'api2' | 'subscriptions', number>>;
/** A second start takes the ports of the first, because a database remembers its issuer. */
const portsOf = new Map<string, Ports>();

/** Starts the services one after the other. */
export async function startBehalf(options: BehalfOptions): Promise<Behalf> {
  const { name, replicas = 1, databaseUrl, apis = false } = options;
  const data = join(FOLDER, name);
  mkdirSync(data, { recursive: true });
  const port = portsOf.get(name) ?? {
    sts: nextPort(),
    api1: nextPort(),
    api2: nextPort(),
    subscriptions: nextPort(),
  };
  portsOf.set(name, port);
  const at = (which: keyof typeof port) => `http://localhost:${port[which]}`;
  const environment = {
    ISSUER: at('sts'),
    API1_RESOURCE: at('api1'),
    API2_RESOURCE: at('api2'),
    SUBSCRIPTIONS_RESOURCE: at('subscriptions'),
    DATA_DIR: data,
    LOG_LEVEL: 'warn',
    MALLOC_ARENA_MAX: '1',
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'node-compile'),
    ...(databaseUrl === undefined ? {} : { STS_DATABASE_URL: databaseUrl }),
  };
  const start = (app: keyof typeof port, own: number, more: Readonly<Record<string, string>> = {}) =>
    startServer({
      name: own === port[app] ? `${app} (${name})` : `${app} ${own} (${name})`,
      port: own,
      readyPath: '/health/ready',
      command: [...FLAGS, ...startCommand(app)],
      cwd: join(ROOT, 'apps', app),
      environment: { ...environment, [`${app.toUpperCase()}_PORT`]: String(own), ...more },
    });
  const sts = [await start('sts', port.sts)];
  while (sts.length < replicas) sts.push(await start('sts', nextPort()));
  const started = apis
    ? {
        subscriptions: await start('subscriptions', port.subscriptions),
        api2: await start('api2', port.api2),
        api1: await start('api1', port.api1),
        cold: await start('api1', nextPort(), { API1_TOKEN_CACHE_SECONDS: '0' }),
      }
    : undefined;
  return {
    issuer: environment.ISSUER,
    api1: environment.API1_RESOURCE,
    sts,
    apis: started,
    async stop() {
      await Promise.all([...Object.values(started ?? {}), ...sts].map((server) => server.stop()));
    },
  };
}

/** The flags and the file of the service's own `start` script. */
function startCommand(app: string): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'apps', app, 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  return manifest.scripts.start.split(' ').slice(1);
}

export interface Login {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly idToken: string;
  readonly browser: Browser;
}

const WEB = 'http://localhost:5173';

/** Signs alice in as the web client does in a browser: authorization code, PKCE, the sign-in form, the token request. */
export async function signIn({ issuer, api1 }: Behalf): Promise<Login> {
  const verifier = randomBytes(32).toString('base64url');
  const redirectUri = `${WEB}/callback`;
  const query = new URLSearchParams({
    client_id: 'web.client',
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid profile api1',
    resource: api1,
    state: 'state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const browser = createBrowser();
  const form = await browser.open(`${issuer}/connect/authorize?${query.toString()}`);
  const { url } = await browser.submit(form, { username: 'alice', password: 'alice' });
  const code = new URL(url).searchParams.get('code');
  if (code === null) throw new Error(`the sign-in ended at ${new URL(url).pathname}`);
  const parameters = { grant_type: 'authorization_code', code, code_verifier: verifier };
  const tokens = await requestTokens(issuer, {
    ...parameters,
    client_id: 'web.client',
    redirect_uri: redirectUri,
    resource: api1,
  });
  return { ...tokens, browser };
}

/** That many logins of alice, one after the other. */
export async function signInTimes(behalf: Behalf, times: number): Promise<Login[]> {
  const logins: Login[] = [];
  while (logins.length < times) logins.push(await signIn(behalf));
  return logins;
}

/** New tokens from the refresh token, which is rotated: a login is refreshed once at a time. */
export async function refresh({ issuer, api1 }: Behalf, login: Login): Promise<Login> {
  const parameters = { grant_type: 'refresh_token', refresh_token: login.refreshToken };
  const tokens = await requestTokens(issuer, { ...parameters, client_id: 'web.client', resource: api1 });
  return { ...login, ...tokens };
}

/** Ends the login in its browser. Resolves when the STS has answered that it has ended. */
export async function signOut({ issuer }: Behalf, { browser, idToken }: Login): Promise<void> {
  const form = await browser.open(`${issuer}/connect/endsession?id_token_hint=${idToken}`);
  const { status } = await browser.submit(form, { logout: 'yes' });
  if (status !== 200) throw new Error(`the logout ended with ${status}`);
}

/** Asks the token endpoint. Throws with the answer's error when there is no token. */
export async function requestTokens(address: string, parameters: Readonly<Record<string, string>>) {
  const response = await fetch(`${address}/connect/token`, {
    method: 'POST',
    body: new URLSearchParams(parameters),
  });
  const body = (await response.json()) as Record<string, string>;
  const { access_token: accessToken = '', refresh_token: refreshToken = '', id_token: idToken = '' } = body;
  if (!response.ok) throw new Error(`${response.status} ${body['error']}: ${body['error_description']}`);
  return { accessToken, refreshToken, idToken };
}

interface Page {
  readonly url: string;
  readonly status: number;
  readonly text: string;
}
type Browser = ReturnType<typeof createBrowser>;

/** Keeps cookies, follows redirects until they leave for the web client, and submits a page's form. */
function createBrowser() {
  const cookies = new Map<string, string>();
  const open = async (address: string, init: RequestInit = {}): Promise<Page> => {
    if (address.startsWith(WEB)) return { url: address, status: 200, text: '' };
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(init.headers as Record<string, string>), accept: 'text/html', cookie };
    const response = await fetch(address, { ...init, redirect: 'manual', headers });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) return { url: address, status: response.status, text: await response.text() };
    return open(new URL(location, address).href);
  };
  const submit = async (page: Page, fields: Readonly<Record<string, string>>): Promise<Page> => {
    const action = /<form[^>]*action="([^"]+)"/.exec(page.text)?.[1];
    if (action === undefined) throw new Error(`no form: ${page.status} at ${new URL(page.url).pathname}`);
    const hidden = [...page.text.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
      /name="([^"]*)"/.exec(input)?.[1] ?? '',
      /value="([^"]*)"/.exec(input)?.[1] ?? '',
    ]);
    const body = new URLSearchParams({
      ...(Object.fromEntries(hidden) as Record<string, string>),
      ...fields,
    });
    const address = new URL(action.replaceAll('&amp;', '&'), page.url);
    return open(address.href, { method: 'POST', body, headers: { origin: address.origin } });
  };
  return { open, submit };
}
