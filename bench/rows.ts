/** The rows of the comparison: which servers each needs, and which calls it makes. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { refresh, requestTokens, signIn, signInTimes, signOut, startBehalf, type Behalf } from './behalf.ts';
import { get, post, type Call } from './load.ts';
import type { Postgres } from './postgres.ts';
import { FOLDER, nextPort, startServer, type Server } from './processes.ts';
import { API1, API2, CLIENT, ISSUER, SECRET } from './servers/task.ts';

export interface Row {
  readonly title: string;
  /** The title of the row that this one is compared with. */
  readonly reference?: string;
  /** 16 by default. */
  readonly connections?: number;
  /** Those that work for a call. */
  readonly servers: readonly Server[];
  /** How many of them, from the first, take the calls of the load: one by default. */
  readonly entries?: number;
  /** Each call is made once. */
  readonly once?: boolean;
  /** Asked before each measurement, because tokens expire. */
  readonly calls: () => Promise<readonly Call[]> | readonly Call[];
  /** The token that an exchange of this row yields. */
  readonly issuedToken?: () => Promise<string>;
}

export const LIMIT = 'by hand, node:http and node:crypto (the limit)';
const BARE = 'bare oidc-provider';
const BARE_ONE = `${BARE}, one caller`;
const BARE_MIX = `${BARE}, 30 % bad tokens`;
const PLAIN = 'chain without security';
const PLAIN_ONE = `${PLAIN}, one caller`;

/** Logins that take turns. */
const LOGINS = 64;
/** Subject tokens that are each exchanged once. */
const UNIQUE_TOKENS = 2048;
/** Well below the 600 s for which a user's token lives. */
const TOKENS_AGE_MS = 240_000;

type Parameters = Readonly<Record<string, string>>;
type Users = Awaited<ReturnType<typeof createUsers>>;

/** The task of `servers/task.ts` on its servers. */
export async function taskRows(isWanted: (section: string) => boolean): Promise<Row[]> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomUUID();
  const mint = (audience: string) =>
    new SignJWT({ client_id: 'web.client', scope: 'openid profile api1', sid: randomUUID(), amr: ['pwd'] })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
      .setIssuer(ISSUER)
      .setSubject('usr_7Q2mZk4TtR9xPa1c')
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('2h')
      .setJti(randomUUID())
      .sign(privateKey);
  const tokens = await Promise.all(Array.from({ length: LOGINS }, () => mint(API1)));
  const bad = [forged(tokens[0] ?? ''), await mint(API2), 'not.a.token'];
  const start = (file: string) =>
    startPlain(file, '/', { SIGNING_KEY: JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid }) });
  const call = (token: string, status = 200) => ({ bytes: post('/', delegationOf(token)), status });
  const good = () => tokens.map((token) => call(token));
  const rows: Row[] = [];
  if (isWanted('limit')) {
    const servers = [await start('limit.ts')];
    const constant = [{ bytes: get('/'), status: 200 }];
    rows.push({ title: 'node:http answering a constant (the load)', servers, calls: () => constant });
    rows.push({ title: LIMIT, reference: BARE, servers, calls: good });
  }
  if (isWanted('jose')) {
    const servers = [await start('express-jose.ts')];
    rows.push({ title: 'by hand, Express and jose', reference: BARE, servers, calls: good });
  }
  if (isWanted('bare')) {
    const servers = [await start('bare-oidc-provider.ts')];
    rows.push({ title: BARE, servers, calls: good });
    rows.push({ title: BARE_ONE, connections: 1, servers, calls: good });
    rows.push({ title: BARE_MIX, servers, calls: () => mix(tokens, bad, call) });
  }
  return rows;
}

/** Behalf's exchange: one STS on SQLite. */
export function exchangeRows(behalf: Behalf, users: Users): Row[] {
  const row = exchangeRow(behalf, users);
  const once = async () => (await users.uniqueTokens()).map((token) => delegation(token));
  const mixed = async () => {
    const tokens = await users.tokens();
    const ended = await signIn(behalf);
    await signOut(behalf, ended);
    const [good = ''] = tokens;
    const bad = [forged(good), await delegate(behalf, good), 'not.a.token', ended.accessToken];
    return mix(tokens, bad, delegation);
  };
  return [
    row,
    { ...row, title: `${row.title}, one caller`, reference: BARE_ONE, connections: 1 },
    { ...row, title: `${row.title}, each subject token once`, once: true, calls: once },
    { ...row, title: `${row.title}, 30 % bad tokens`, reference: BARE_MIX, calls: mixed },
  ];
}

/** The other grants, and a chain of two actors: the policy of the development registry allows no third. */
export function grantRows(behalf: Behalf, users: Users): Row[] {
  const row = (
    title: string,
    servers: readonly Server[],
    fields: (token: string) => Promise<Parameters>,
  ): Row => ({
    title: `Behalf, ${title}`,
    reference: BARE,
    servers,
    calls: async () =>
      (await Promise.all((await users.tokens()).map(fields))).map((form) => tokenRequest(form)),
    issuedToken: async () => {
      const [token = ''] = await users.tokens();
      return (await requestTokens(behalf.issuer, await fields(token))).accessToken;
    },
  });
  const exchange = (subject_token: string, scope: string, client: string) => ({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token,
    scope,
    ...clientOf(client),
  });
  const asked = [...behalf.sts, ...(behalf.apis ? [behalf.apis.subscriptions] : [])];
  return [
    row('token exchange', behalf.sts, async (token) => exchange(token, 'api2', CLIENT)),
    row('token exchange, two actors', behalf.sts, async (token) =>
      exchange(await delegate(behalf, token), 'subscriptions.read', 'api2.client'),
    ),
    row('translation', asked, async (token) => ({
      ...delegationOf(token),
      grant_type: 'translation',
      scope: 'api2.premium',
    })),
    row('client credentials', behalf.sts, async () => ({
      grant_type: 'client_credentials',
      scope: 'api1',
      ...clientOf('machine.client'),
    })),
  ];
}

/** Behalf's exchange on PostgreSQL, with one process and with two, which share the core. */
export async function postgresRows(postgres: Postgres): Promise<Row[]> {
  const rows: Row[] = [];
  for (const replicas of [1, 2]) {
    const name = `replicas_${replicas}`;
    const behalf = await startBehalf({ name, replicas, databaseUrl: postgres.createDatabase(name) });
    const row = exchangeRow(behalf, await createUsers(behalf));
    rows.push({ ...row, title: `${row.title}, PostgreSQL, replicas: ${replicas}` });
  }
  return rows;
}

/** `GET /accounts` through two services, without any security and with Behalf's. */
export async function chainRows(behalf: Behalf, users: Users): Promise<Row[]> {
  const { sts, apis } = behalf;
  if (apis === undefined) throw new Error('the chain needs the APIs');
  const back = await startPlain('plain-api2.ts', '/accounts', { DATA_DIR: FOLDER });
  const front = await startPlain('plain-api1.ts', '/accounts', { API2_URL: `http://127.0.0.1:${back.port}` });
  const call = (token: string) => ({
    bytes: get('/accounts', { authorization: `Bearer ${token}` }),
    status: 200,
  });
  const calls = async () => (await users.tokens()).map(call);
  const at = (suffix: string, reference: string, connections: number): Row[] => [
    { title: reference, connections, servers: [front, back], calls: () => [call('')] },
    {
      title: `Behalf, chain, exchanged token cached${suffix}`,
      reference,
      connections,
      servers: [apis.api1, apis.api2],
      calls,
    },
    {
      title: `Behalf, chain, every call exchanging${suffix}`,
      reference,
      connections,
      servers: [apis.cold, apis.api2, ...sts],
      calls,
    },
  ];
  return [...at('', PLAIN, 16), ...at(', one caller', PLAIN_ONE, 1)];
}

function startPlain(file: string, readyPath: string, environment: Parameters): Promise<Server> {
  const port = nextPort();
  const command = [join('servers', file)];
  const settings = { PORT: String(port), NODE_ENV: 'production', ...environment };
  return startServer({ name: file, port, readyPath, command, environment: settings });
}

/** Logins of alice, with tokens that are young enough. */
export async function createUsers(behalf: Behalf) {
  let logins = await signInTimes(behalf, LOGINS);
  let madeAt = performance.now();
  const refreshAll = async () => {
    logins = await Promise.all(logins.map((login) => refresh(behalf, login)));
    madeAt = performance.now();
    return logins.map(({ accessToken }) => accessToken);
  };
  return {
    tokens: async (): Promise<readonly string[]> =>
      performance.now() - madeAt < TOKENS_AGE_MS
        ? logins.map(({ accessToken }) => accessToken)
        : refreshAll(),
    async uniqueTokens(): Promise<readonly string[]> {
      const tokens: string[] = [];
      while (tokens.length < UNIQUE_TOKENS) tokens.push(...(await refreshAll()));
      return tokens;
    },
  };
}

function exchangeRow(behalf: Behalf, users: Users): Row {
  return {
    title: 'Behalf, delegation',
    reference: BARE,
    servers: behalf.sts,
    entries: behalf.sts.length,
    calls: async () => (await users.tokens()).map((token) => delegation(token)),
    issuedToken: async () => delegate(behalf, (await users.tokens())[0] ?? ''),
  };
}

export function delegationOf(token: string): Parameters {
  return { grant_type: 'delegation', scope: 'api2', token, ...clientOf(CLIENT) };
}

function delegation(token: string, status = 200): Call {
  return tokenRequest(delegationOf(token), status);
}

function tokenRequest(fields: Parameters, status = 200): Call {
  return { bytes: post('/connect/token', fields), status };
}

async function delegate({ issuer }: Behalf, token: string): Promise<string> {
  return (await requestTokens(issuer, delegationOf(token))).accessToken;
}

function clientOf(id: string): Parameters {
  return { client_id: id, client_secret: SECRET };
}

/** A good token whose signature is that of other claims. */
function forged(token: string): string {
  const [header, payload = '', signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  const changed = Buffer.from(JSON.stringify({ ...claims, sub: 'mallory' })).toString('base64url');
  return `${header}.${changed}.${signature}`;
}

/** Ten calls for each token, three of which carry a bad one that is answered with 400. */
function mix(
  tokens: readonly string[],
  bad: readonly string[],
  call: (token: string, status?: number) => Call,
) {
  let refusals = 0;
  return tokens.flatMap((token) =>
    Array.from({ length: 10 }, (_, index) =>
      index % 3 === 2 ? call(bad[refusals++ % bad.length] ?? '', 400) : call(token),
    ),
  );
}
