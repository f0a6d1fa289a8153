/** `pnpm --filter @behalf/bench grants`: the time of one exchange at the token endpoint, per grant. */
import { HEADING, measure, row } from './support/measure.ts';
import { newUserToken, requestToken, startScenario } from './support/scenario.ts';

const CALLS = Number(process.env['CALLS'] ?? 5_000);
const WARM_UP = 300;
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

const { system } = await startScenario();
const grants: Readonly<Record<string, (token: string) => Readonly<Record<string, string>>>> = {
  delegation: (token) => ({ client_id: 'api1.client', grant_type: 'delegation', scope: 'api2', token }),
  translation: (token) => ({
    client_id: 'api1.client',
    grant_type: 'translation',
    scope: 'api2.premium',
    token,
  }),
  'token exchange': (token) => ({
    client_id: 'api1.client',
    grant_type: TOKEN_EXCHANGE,
    scope: 'api2',
    subject_token: token,
    subject_token_type: ACCESS_TOKEN,
  }),
  'client credentials (to compare)': () => ({
    client_id: 'machine.client',
    grant_type: 'client_credentials',
    scope: 'api1',
  }),
};

console.log(HEADING);
for (const [title, parameters] of Object.entries(grants)) {
  for (const concurrency of [1, 16]) {
    const token = await newUserToken(system);
    const call = async () => void (await requestToken(system, parameters(token)));
    await measure({ calls: WARM_UP, concurrency: 4, call });
    console.log(row(title, await measure({ calls: CALLS, concurrency, call })));
  }
}
await system.close();
