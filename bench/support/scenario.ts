import { signInOverHttp, startSystem, type Environment, type System } from '@behalf/scripts/system';
import { form, send, type Answer } from './call.ts';

/** The services without the web client, quiet, with alice's token for API1. */
export interface Scenario {
  readonly system: System;
  readonly userToken: string;
}

/** Set `STS_DATABASE_URL`, `API2_DATABASE_URL`, … in `environment` to measure on PostgreSQL. */
export async function startScenario(environment: Environment = {}): Promise<Scenario> {
  const system = await startSystem({
    parts: ['sts', 'api1', 'api2', 'subscriptions'],
    environment: { LOG_LEVEL: 'warn', ...databaseSettings(), ...environment },
  });
  return { system, userToken: await newUserToken(system) };
}

/** A token lives for ten minutes: long measurements take a new one in between. */
export async function newUserToken(system: System): Promise<string> {
  const { accessToken } = await signInOverHttp({
    issuer: system.url.sts,
    webUrl: system.url.web,
    resource: system.url.api1,
    username: 'alice',
  });
  return accessToken;
}

/** The chain: browser's call to API1, which calls API2 for the user. */
export async function callChain({ system, userToken }: Scenario, path = '/accounts'): Promise<void> {
  expectOk(
    await send({ url: system.url.api1 + path, headers: { authorization: `Bearer ${userToken}` } }),
    path,
  );
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
