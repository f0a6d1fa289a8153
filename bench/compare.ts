/**
 * `pnpm --filter @behalf/bench compare`: Behalf beside servers that do the same work with less, in one run. Each round measures
 * every row in turn, and the table has the medians of the rounds; `results/` keeps the numbers of each round.
 *
 * Environment: `ROUNDS` (5), `SECONDS` for each measurement (4) or `CALLS`, `ONLY` (names of sections, separated by commas),
 * `FIRST_PORT` (6300), `SERVICE_FLAGS` (Node's flags for Behalf's services instead of the Dockerfile's).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { startBehalf } from './behalf.ts';
import { databaseWork, logoutDelay, memory, type Table } from './facts.ts';
import { run, type Figures, type Load } from './load.ts';
import { startPostgres } from './postgres.ts';
import { PLACEMENT, stopAll } from './processes.ts';
import { chainRows, exchangeRows, grantRows, LIMIT, postgresRows, taskRows, type Row } from './rows.ts';

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
say(`Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model}; ${PLACEMENT}`);
say(`${rounds} rounds of ${CALLS === undefined ? `${SECONDS} s` : `${CALLS} calls`}\n`);

const postgres = isWanted('postgres', 'database', 'logout') ? await startPostgres() : undefined;
const rows: Row[] = await taskRows(isWanted);
if (isWanted('exchange', 'grants', 'chain')) {
  const behalf = await startBehalf({ name: 'sqlite', apis: isWanted('grants', 'chain') });
  if (isWanted('exchange')) rows.push(...(await exchangeRows(behalf)));
  if (isWanted('grants')) rows.push(...(await grantRows(behalf)));
  if (isWanted('chain')) rows.push(...(await chainRows(behalf)));
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
  for (const [row, measurements] of measured) {
    const load = await loadOf(row);
    if (row.once !== true) await run(load, { seconds: WARM_UP_SECONDS });
    const cpuSeconds = () => row.servers.reduce((sum, server) => sum + server.cpuSeconds(), 0);
    const before = cpuSeconds();
    const figures = await run(load, limit);
    measurements.push({ ...figures, cpuMicros: (1e6 * (cpuSeconds() - before)) / figures.calls });
  }
}
const tokens = new Map<Row, string>();
for (const row of rows) tokens.set(row, `${(await row.issuedToken?.())?.length ?? ''}`);
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
  tokenBytes: tokens.get(row),
  rounds: measured.get(row),
}));
const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, placement: PLACEMENT };
writeFileSync(file, JSON.stringify({ startedAt, machine, rounds, limit, rows: raw, facts }, null, 2));
say(`The numbers of each round: ${file}`);
await stopAll();
process.exit();

async function loadOf({ servers, entries = 1, connections = 16, once, calls }: Row): Promise<Load> {
  const ports = servers.slice(0, entries).map(({ port }) => port);
  return { ports, connections, calls: await calls(), ...(once && { once }) };
}

function comparison(): Table {
  const medians = new Map([...measured].map(([{ title }, all]) => [title, medianOf(all)]));
  const titles = ['', 'calls/s', 'least–most', 'p50 ms', 'p99 ms', 'CPU µs', 'token bytes', 'reference'];
  return {
    title: 'Comparison (CPU µs: of the servers, for one call)',
    head: [...titles, 'calls/s ÷', 'p50 ÷', 'p99 ÷', 'CPU ÷', 'calls/s ÷ limit'],
    rows: rows.map((row) => {
      const median = medians.get(row.title) ?? medianOf([]);
      const compared = medians.get(row.reference ?? '');
      const speeds = (measured.get(row) ?? []).map(({ perSecond }) => perSecond);
      return [
        row.title,
        median.perSecond.toFixed(0),
        `${Math.min(...speeds).toFixed(0)}–${Math.max(...speeds).toFixed(0)}`,
        median.p50Ms.toFixed(2),
        median.p99Ms.toFixed(2),
        median.cpuMicros.toFixed(0),
        tokens.get(row) ?? '',
        compared === undefined ? '' : (row.reference ?? ''),
        ratio(median.perSecond, compared?.perSecond),
        ratio(median.p50Ms, compared?.p50Ms),
        ratio(median.p99Ms, compared?.p99Ms),
        ratio(median.cpuMicros, compared?.cpuMicros),
        ratio(median.perSecond, medians.get(LIMIT)?.perSecond),
      ];
    }),
  };
}

function medianOf(all: readonly Measurement[]): Measurement {
  const of = (key: keyof Measurement) => {
    const sorted = all.map((one) => one[key]).toSorted((a, b) => a - b);
    return ((sorted[(sorted.length - 1) >> 1] ?? NaN) + (sorted[sorted.length >> 1] ?? NaN)) / 2;
  };
  return {
    calls: of('calls'),
    perSecond: of('perSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    cpuMicros: of('cpuMicros'),
  };
}

function ratio(value: number, reference: number | undefined): string {
  return reference === undefined ? '' : (value / reference).toFixed(2);
}

function print({ title, head, rows: lines }: Table): void {
  const cells = (of: readonly (string | number)[]) => `| ${of.join(' | ')} |`;
  say([`## ${title}\n`, cells(head), cells(head.map(() => '---')), ...lines.map(cells), ''].join('\n'));
}
