import { signInOverHttp, startSystem, type Environment, type System } from '@behalf/scripts/system';
import { form, send, type Answer } from './call.ts';

/** The services without the web client, quiet. */
export interface Scenario {
  readonly system: System;
  /** Alice's tokens for API1, a login each: calls with one token share what API1 has asked for with it. */
  readonly userTokens: readonly string[];
}

/** More than calls under way at once. */
const LOGINS = 64;

/** Set `STS_DATABASE_URL`, `API2_DATABASE_URL`, … in `environment` to measure on PostgreSQL. */
export async function startScenario(environment: Environment = {}): Promise<Scenario> {
  const system = await startSystem({
    services: ['sts', 'api1', 'api2', 'subscriptions'],
    environment: { LOG_LEVEL: 'warn', ...databaseSettings(), ...environment },
  });
  return { system, userTokens: await newUserTokens(system) };
}

/** A token lives for ten minutes: long measurements take new ones in between. */
export async function newUserTokens(system: System): Promise<readonly string[]> {
  const tokens: string[] = [];
  for (let login = 0; login < LOGINS; login++) tokens.push(await newUserToken(system));
  return tokens;
}

export async function newUserToken(system: System): Promise<string> {
  const { accessToken } = await signInOverHttp({
    issuer: system.url.sts,
    webUrl: system.url.web,
    resource: system.url.api1,
    username: 'alice',
  });
  return accessToken;
}

/** The chain: browser's call to API1, which calls API2 for the user. The logins take turns. */
export async function callChain(
  { system, userTokens }: Scenario,
  index: number,
  path = '/accounts',
): Promise<void> {
  const authorization = `Bearer ${userTokens[index % userTokens.length] ?? ''}`;
  expectOk(await send({ url: system.url.api1 + path, headers: { authorization } }), path);
}

export async function requestToken(
  system: System,
  parameters: Readonly<Record<string, string>>,
): Promise<string> {
  const answer = await send({
    url: `${system.url.sts}/connect/token`,
    ...form({ client_secret: 'secret', ...parameters }),
  });
  expectOk(answer, '/connect/token');
  return String((JSON.parse(answer.body) as Record<string, unknown>)['access_token']);
}

function expectOk({ status, body }: Answer, what: string): void {
  if (status !== 200) throw new Error(`${what} answered ${status}: ${body.slice(0, 300)}`);
}

function databaseSettings(): Environment {
  const url = process.env['BENCH_DATABASE_URL'];
  return url ? { DATABASE_URL: url } : {};
}
