/**
 * `pnpm --filter @behalf/sts figures`: what the service asks of its database, what the ledger costs, how many exchanges one
 * and two replicas make in a second, and how soon a logout holds on the other replica. PostgreSQL is `TEST_DATABASE_URL`, else a throw-away server that does not sync to disk.
 */
import { newTestServerDatabase, startTestServer } from '@behalf/database/testing';
import { measureLedger } from './testing-ledger-cost.ts';
import { measureLogout } from './testing-logout-delay.ts';
import { measureThroughput } from './testing-throughput.ts';
import { countWork } from './testing-work.ts';

const LOGOUTS = Number(process.env['LOGOUTS'] ?? 200);
const EXCHANGES = Number(process.env['EXCHANGES'] ?? 3_000);
const given = process.env['TEST_DATABASE_URL'];
const server = given === undefined ? await startTestServer() : undefined;
const url = given ?? server?.url ?? '';
const say = (text: string) => void process.stdout.write(`${text}\n`);

say('## SQLite\n');
say(await countWork(undefined));
say(await measureLedger(undefined));
const database = await newTestServerDatabase(url);
say('## PostgreSQL\n');
say(await countWork(database.url));
say(await measureLedger(database.url));
await database.remove();
say('## Exchanges per second\n');
say('| engine | replicas | at once | per second |\n| --- | --- | --- | --- |');
for (const [engine, replicas] of [
  ['sqlite', 1],
  ['postgres', 1],
  ['postgres', 2],
] as const) {
  for (const atOnce of [1, 16]) {
    const line = await measureThroughput({ engine, replicas, server: url, exchanges: EXCHANGES, atOnce });
    say(line.trimEnd());
  }
}
say('');
say('## A logout, until the other replica refuses (two replicas on PostgreSQL)\n');
say(await measureLogout(url, LOGOUTS));
await server?.stop();
