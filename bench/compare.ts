/**
 * `pnpm --filter @behalf/bench compare`: Behalf beside servers that do the same work with less, in one run. Each round measures
 * every row in turn, and the table has the medians of the rounds; `results/` keeps the numbers of each round.
 *
 * Environment: `ROUNDS` (5), `SECONDS` for each measurement (4) or `CALLS`, `ONLY` (names of sections, separated by commas),
 * `FIRST_PORT` (6300), `SERVICE_FLAGS` (Node's flags for Behalf's services instead of the Dockerfile's).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { startBehalf } from './behalf.ts';
import { databaseWork, logoutDelay, memory, type Table } from './facts.ts';
import { run, type Figures, type Load } from './load.ts';
import { startPostgres } from './postgres.ts';
import { PLACEMENT, stopAll } from './processes.ts';
import {
  chainRows,
  createUsers,
  exchangeRows,
  grantRows,
  LIMIT,
  postgresRows,
  taskRows,
  type Row,
} from './rows.ts';

const SECTIONS = 'limit,jose,bare,exchange,grants,postgres,chain,memory,database,logout'.split(',');
const WARM_UP_SECONDS = 0.5;
/** Before the first round, until V8 has compiled what it will. */
const FIRST_WARM_UP_SECONDS = 3;

const { ROUNDS = '5', SECONDS = '4', CALLS, ONLY } = process.env;
const only = ONLY?.split(',') ?? SECTIONS;
const unknown = only.filter((name) => !SECTIONS.includes(name));
if (unknown.length > 0) throw new Error(`ONLY takes ${SECTIONS.join(', ')}, not ${unknown.join(', ')}`);
const isWanted = (...names: readonly string[]) => names.some((name) => only.includes(name));
const rounds = Number(ROUNDS);
const limit = CALLS === undefined ? { seconds: Number(SECONDS) } : { calls: Number(CALLS) };
const say = (text: string) => void process.stdout.write(`${text}\n`);

const startedAt = new Date();
const busyBefore = loadavg()[0] ?? 0;
say(`Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model}; ${PLACEMENT}`);
if (busyBefore > 0.5)
  say(`Other processes are running (load average ${busyBefore.toFixed(1)}): the figures are rough.`);
say(`${rounds} rounds of ${CALLS === undefined ? `${SECONDS} s` : `${CALLS} calls`}\n`);

const postgres = isWanted('postgres', 'database', 'logout') ? await startPostgres() : undefined;
const rows: Row[] = await taskRows(isWanted);
if (isWanted('exchange', 'grants', 'chain')) {
  const behalf = await startBehalf({ name: 'sqlite', apis: isWanted('grants', 'chain') });
  const users = await createUsers(behalf);
  if (isWanted('exchange')) rows.push(...exchangeRows(behalf, users));
  if (isWanted('grants')) rows.push(...grantRows(behalf, users));
  if (isWanted('chain')) rows.push(...(await chainRows(behalf, users)));
}
if (isWanted('postgres') && postgres) rows.push(...(await postgresRows(postgres)));

interface Measurement extends Figures {
  /** Of the row's servers, for one call. */
  readonly cpuMicros: number;
}
const measured = new Map<Row, Measurement[]>(rows.map((row) => [row, []]));
for (const row of rows) {
  if (row.once !== true) await run(await loadOf(row), { seconds: FIRST_WARM_UP_SECONDS });
}
for (let round = 0; round < rounds; round++) {
  process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  for (const [row, measurements] of measured) {
    const load = await loadOf(row);
    if (row.once !== true) await run(load, { seconds: WARM_UP_SECONDS });
    const cpuSeconds = () => row.servers.reduce((sum, server) => sum + server.cpuSeconds(), 0);
    const before = cpuSeconds();
    const figures = await run(load, limit);
    measurements.push({ ...figures, cpuMicros: (1e6 * (cpuSeconds() - before)) / figures.calls });
  }
}
const tokens = new Map<string, number>();
for (const { title, issuedToken } of rows) {
  if (issuedToken !== undefined) tokens.set(title, (await issuedToken()).length);
}
if (rows.length > 0) print(comparison());

const facts: Table[] = [];
if (isWanted('memory')) facts.push(await memory());
if (isWanted('database') && postgres) facts.push(await databaseWork(postgres));
if (isWanted('logout') && postgres) facts.push(await logoutDelay(postgres));
for (const table of facts) print(table);

const folder = join(import.meta.dirname, 'results');
mkdirSync(folder, { recursive: true });
const file = join(folder, `${startedAt.toISOString().replaceAll(':', '-').slice(0, 19)}.json`);
const raw = rows.map((row) => ({
  title: row.title,
  reference: row.reference,
  tokenBytes: tokens.get(row.title),
  rounds: measured.get(row),
}));
const machine = {
  node: process.version,
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  placement: PLACEMENT,
  busyBefore,
};
writeFileSync(file, JSON.stringify({ startedAt, machine, rounds, limit, rows: raw, facts }, null, 2));
say(`The numbers of each round: ${file}`);
await stopAll();
process.exit();

async function loadOf({ servers, entries = 1, connections = 16, once, calls }: Row): Promise<Load> {
  const ports = servers.slice(0, entries).map(({ port }) => port);
  return { ports, connections, calls: await calls(), ...(once && { once }) };
}

/** A ratio is the median of the rounds' ratios, because a round's measurements were made close to each other. */
function comparison(): Table {
  const byTitle = new Map([...measured].map(([{ title }, all]) => [title, all]));
  const columns = ['calls/s ÷', 'p50 ÷', 'p99 ÷', 'CPU ÷', 'calls/s ÷ limit'];
  const head = ['', 'calls/s', 'least–most', 'p50 ms', 'p99 ms', 'CPU µs', 'token bytes', 'reference'];
  return {
    title: 'Comparison (CPU µs: of the servers, for one call)',
    head: [...head, ...columns],
    rows: [...measured].map(([{ title, reference = '' }, all]) => {
      const of = (key: keyof Measurement) => all.map((one) => one[key]);
      const to = (other: string, key: keyof Measurement) => {
        const ratios = byTitle.get(other)?.map((one, round) => (all[round]?.[key] ?? NaN) / one[key]);
        return ratios === undefined ? '' : median(ratios).toFixed(2);
      };
      return [
        title,
        median(of('perSecond')).toFixed(0),
        `${Math.min(...of('perSecond')).toFixed(0)}–${Math.max(...of('perSecond')).toFixed(0)}`,
        median(of('p50Ms')).toFixed(2),
        median(of('p99Ms')).toFixed(2),
        median(of('cpuMicros')).toFixed(0),
        tokens.get(title) ?? '',
        byTitle.has(reference) ? reference : '',
        to(reference, 'perSecond'),
        to(reference, 'p50Ms'),
        to(reference, 'p99Ms'),
        to(reference, 'cpuMicros'),
        to(LIMIT, 'perSecond'),
      ];
    }),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? NaN) + (sorted[sorted.length >> 1] ?? NaN)) / 2;
}

function print({ title, head, rows: lines }: Table): void {
  const cells = (of: readonly (string | number)[]) => `| ${of.join(' | ')} |`;
  say([`## ${title}\n`, cells(head), cells(head.map(() => '---')), ...lines.map(cells), ''].join('\n'));
}
