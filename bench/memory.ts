/** `pnpm --filter @behalf/bench memory`: resident memory of each service after 1,000 calls, and after 10,000 more. */
import { readFileSync } from 'node:fs';
import { measure } from './support/measure.ts';
import { callChain, newUserTokens, startScenario, type Scenario } from './support/scenario.ts';

const SERVICES = ['sts', 'api1', 'api2', 'subscriptions'] as const;
const CONCURRENCY = 8;

let scenario: Scenario = await startScenario({ API1_TOKEN_CACHE_SECONDS: '0' });
console.log(`| calls | ${SERVICES.join(' | ')} |\n| --- |${' --- |'.repeat(SERVICES.length)}`);
report(0);
let made = 0;
for (const calls of [1_000, 5_000, 5_000]) {
  scenario = { ...scenario, userTokens: await newUserTokens(scenario.system) };
  await measure({
    calls,
    concurrency: CONCURRENCY,
    call: (index) => callChain(scenario, index, pathOf(index)),
  });
  report((made += calls));
}
await scenario.system.close();

/** Every tenth call goes through all three hops, so that every service has work. */
function pathOf(index: number): string {
  return index % 10 === 0 ? '/chain' : '/accounts';
}

function report(calls: number): void {
  const megabytes = SERVICES.map((name) => residentMegabytes(scenario.system.pid(name) ?? 0).toFixed(0));
  console.log(`| ${calls} | ${megabytes.map((value) => `${value} MB`).join(' | ')} |`);
}

function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
