import type { Engine } from '@behalf/database';
import { startReplicas } from '../../test/support/replicas.ts';
import { delegate } from '../../test/support/requests.ts';
import { signIn } from '../../test/support/sign-in.ts';

const WARM_UP = 500;

export interface ThroughputOptions {
  readonly engine: Engine;
  readonly replicas: number;
  readonly server?: string;
  readonly exchanges: number;
  /** How many are under way at once. */
  readonly atOnce: number;
}

/** Exchanges per second, each replica asked in turn at its own address, as a line of a table. */
export async function measureThroughput(options: ThroughputOptions): Promise<string> {
  const { engine, replicas: count, server, exchanges, atOnce } = options;
  const replicas = await startReplicas({ engine, count, ...(server === undefined ? {} : { server }) });
  const { accessToken } = await signIn(replicas.issuer);
  const addresses = replicas.running.map(({ url }) => url);
  const exchange = async (index: number) => {
    const { status } = await delegate(addresses[index % count] ?? '', accessToken);
    if (status !== 200) throw new Error(`an exchange answered ${status}`);
  };
  const seconds = async (calls: number) => {
    let next = 0;
    const startedAt = performance.now();
    const worker = async () => {
      while (next < calls) await exchange(next++);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return (performance.now() - startedAt) / 1000;
  };
  await seconds(WARM_UP);
  const perSecond = exchanges / (await seconds(exchanges));
  await replicas.close();
  return `| ${engine} | ${count} | ${atOnce} | ${perSecond.toFixed(0)} |\n`;
}
