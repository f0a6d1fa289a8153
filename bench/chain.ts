/** `pnpm --filter @behalf/bench chain`: calls through the chain, with the exchanged token cached and with every call exchanging. */
import { HEADING, measure, row } from './support/measure.ts';
import { callChain, startScenario } from './support/scenario.ts';

const CALLS = Number(process.env['CALLS'] ?? 3_000);
const WARM_UP = 300;

console.log(HEADING);
for (const [title, cacheSeconds] of [
  ['GET /accounts, exchanged token cached', undefined],
  ['GET /accounts, every call exchanging', '0'],
] as const) {
  const scenario = await startScenario(
    cacheSeconds === undefined ? {} : { API1_TOKEN_CACHE_SECONDS: cacheSeconds },
  );
  const call = (index: number) => callChain(scenario, index);
  await measure({ calls: WARM_UP, concurrency: 4, call });
  for (const concurrency of [1, 16])
    console.log(row(title, await measure({ calls: CALLS, concurrency, call })));
  await scenario.system.close();
}
