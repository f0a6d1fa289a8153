/** Measured beside the load: memory and starts, the database's work, and how soon a logout counts. Each is a Markdown table. */
import { refresh, requestTokens, signIn, signInTimes, signOut, startBehalf } from './behalf.ts';
import { get, run } from './load.ts';
import type { Postgres } from './postgres.ts';
import type { Server } from './processes.ts';
import { delegationOf } from './rows.ts';

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** Warm starts, and resident memory while every call exchanges and every tenth goes through all three hops. */
export async function memory(): Promise<Table> {
  // The first start compiles the sources and creates the databases.
  await (await startBehalf({ name: 'memory', apis: true })).stop();
  const behalf = await startBehalf({ name: 'memory', apis: true });
  const { subscriptions, api2, cold } = behalf.apis ?? {};
  const servers = [behalf.sts[0], cold, api2, subscriptions].filter((server) => server !== undefined);
  const megabytes = () => servers.map((server) => Math.round(server.megabytes()));
  const port = cold?.port ?? 0;
  const rows: (readonly (string | number)[])[] = [
    ['start, ms', ...servers.map(({ startMs }: Server) => Math.round(startMs))],
    ['MB after the start', ...megabytes()],
  ];
  let made = 0;
  for (const calls of [1_000, 5_000, 5_000]) {
    const logins = await signInTimes(behalf, 64);
    const requests = logins.flatMap(({ accessToken }) =>
      Array.from({ length: 10 }, (_, index) => ({
        bytes: get(index === 0 ? '/chain' : '/accounts', { authorization: `Bearer ${accessToken}` }),
        status: 200,
      })),
    );
    await run({ ports: [port], connections: 16, calls: requests }, { calls });
    rows.push([`MB after ${(made += calls)} calls`, ...megabytes()]);
  }
  await behalf.stop();
  return { title: 'Starts and memory', head: ['', 'sts', 'api1', 'api2', 'subscriptions'], rows };
}

/** PostgreSQL's own counts for one operation of one caller. The STS's background queries are rounded away. */
export async function databaseWork(postgres: Postgres): Promise<Table> {
  const name = 'work';
  const behalf = await startBehalf({ name, databaseUrl: postgres.createDatabase(name) });
  let login = await signIn(behalf);
  const operations: Readonly<Record<string, readonly [number, () => Promise<void>]>> = {
    'sign-in, from the authorization request to the tokens': [20, async () => void (await signIn(behalf))],
    refresh: [100, async () => void (login = await refresh(behalf, login))],
    'exchange (delegation)': [
      500,
      async () => void (await requestTokens(behalf.issuer, delegationOf(login.accessToken))),
    ],
  };
  const rows: string[][] = [];
  for (const [title, [times, operation]] of Object.entries(operations)) {
    postgres.query(name, 'SELECT pg_stat_statements_reset()');
    for (let time = 0; time < times; time++) await operation();
    const each = `round(calls / ${times}.0)`;
    const sum = (condition: string, of = each) =>
      `coalesce(round((sum(${of}) FILTER (WHERE ${condition}))::numeric), 0)`;
    const counted = postgres.query(
      name,
      `SELECT ${sum("query ~* '^ *(select|with)'")}, ${sum("query ~* '^ *(insert|update|delete)'")},
         ${sum("query ~* '^ *(begin|start|commit)'")}, ${sum('true', `1000 * total_exec_time / ${times} * sign(${each})`)}
       FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = '${name}')`,
    );
    rows.push([title, ...counted.split('|')]);
  }
  await behalf.stop();
  return {
    title: 'The work of PostgreSQL for one operation',
    head: ['', 'reads', 'writes', 'begin and commit', 'µs inside PostgreSQL'],
    rows,
  };
}

/**
 * How long after a logout was answered at one replica the other still granted an exchange: it is asked without a pause from before the
 * logout on. Negative: it refused before the answer was back.
 */
export async function logoutDelay(postgres: Postgres, logouts = 100): Promise<Table> {
  const name = 'logout';
  const behalf = await startBehalf({ name, replicas: 2, databaseUrl: postgres.createDatabase(name) });
  const other = `http://localhost:${behalf.sts[1]?.port}`;
  const delaysMs: number[] = [];
  for (let logout = 0; logout < logouts; logout++) {
    const login = await signIn(behalf);
    const refused = (async () => {
      for (;;) {
        const answer = await requestTokens(other, delegationOf(login.accessToken)).catch(
          (error: unknown) => error as Error,
        );
        if (!(answer instanceof Error)) continue;
        if (!answer.message.startsWith('400')) throw answer;
        return performance.now();
      }
    })();
    await signOut(behalf, login);
    const answeredAt = performance.now();
    delaysMs.push((await refused) - answeredAt);
  }
  await behalf.stop();
  const sorted = delaysMs.toSorted((one, another) => one - another);
  const at = (share: number) => (sorted[Math.min(logouts - 1, Math.floor(logouts * share))] ?? 0).toFixed(1);
  return {
    title: 'From the answer to a logout until the other of two replicas refuses',
    head: ['logouts', 'p50 ms', 'p90 ms', 'longest ms'],
    rows: [[logouts, at(0.5), at(0.9), at(1)]],
  };
}
