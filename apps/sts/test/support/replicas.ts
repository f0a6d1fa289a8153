/** Several processes of the service on one database, behind a balancer, with an operator at hand. */

import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '@behalf/database';
import { newTestServerDatabase } from '@behalf/database/testing';
import { createLogger } from '@behalf/service';
import { type ServiceProcess, startProcess, type StartProcessOptions } from '@behalf/service/testing';
import { loadConfig } from '../../src/config.ts';
import { loadRegistry } from '../../src/registry/load-registry.ts';
import { createState, openStsDatabase, type State } from '../../src/state/state.ts';
import { startBalancer } from './balancer.ts';
import { UNREACHABLE } from './sts.ts';
import { startTestSubscriptions } from './subscriptions.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

export interface Replicas {
  /** The balancer's address, and the name that every replica goes by. */
  readonly issuer: string;
  readonly running: readonly ServiceProcess[];
  /** Where all of them keep their development keys. */
  readonly dataDirectory: string;
  /** Where the SQLite file is, if that is oidc-provider. */
  readonly databaseFile: string;
  /** One more; it takes its share of the requests, unless it stands `aside`, to be asked by its own address. */
  start(options?: StartReplicaOptions): Promise<ServiceProcess>;
  /** Kills it; it gets no more requests. */
  kill(replica: ServiceProcess): Promise<void>;
  /** Opens the same state in this process, as the operators' command line does. */
  openOperator(): Promise<State>;
  /** Ends everything and removes the data. */
  close(): Promise<void>;
}

export interface StartReplicaOptions extends Partial<StartProcessOptions> {
  readonly aside?: boolean;
}

export interface ReplicasOptions {
  readonly engine: Engine;
  /** Default 0. They start at once. */
  readonly count?: number;
  /** PostgreSQL: default the server of all tests. */
  readonly server?: string;
  /** PostgreSQL: a database of the caller's, who removes it. Default: a new one. */
  readonly databaseUrl?: string;
}

export async function startReplicas(options: ReplicasOptions): Promise<Replicas> {
  const { engine, count = 0, server } = options;
  const folder = await mkdtemp(join(tmpdir(), 'behalf-replicas-'));
  const isOurs = engine === 'postgres' && options.databaseUrl === undefined;
  const database = isOurs ? await newTestServerDatabase(server) : undefined;
  const databaseUrl = options.databaseUrl ?? database?.url;
  const subscriptions = await startTestSubscriptions();
  const balancer = await startBalancer();
  const environment = {
    STS_PORT: '0',
    ISSUER: balancer.url,
    ...UNREACHABLE,
    SUBSCRIPTIONS_URL: subscriptions.url,
    DATA_DIR: folder,
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
  };
  const logger = createLogger({ service: 'operator', level: 'silent' });
  const operators: State[] = [];
  const running: ServiceProcess[] = [];
  const aside = new Set<ServiceProcess>();
  const balance = () => {
    balancer.targets = running.filter((replica) => !aside.has(replica)).map(({ url }) => url);
  };

  const replicas: Replicas = {
    issuer: balancer.url,
    running,
    dataDirectory: folder,
    databaseFile: loadConfig(environment).databaseFile,
    async start(options = {}) {
      const replica = await startProcess({
        ...options,
        main: MAIN,
        environment: { ...environment, ...options.environment },
      });
      running.push(replica);
      if (options.aside === true) aside.add(replica);
      balance();
      return replica;
    },
    async kill(replica) {
      running.splice(running.indexOf(replica), 1);
      balance();
      await replica.kill();
    },
    async openOperator() {
      const config = loadConfig(environment);
      const now = () => Math.floor(Date.now() / 1000);
      const database = await openStsDatabase(config, { logger, access: 'command' });
      const registry = await loadRegistry(config);
      const state = await createState({ database, config, registry, logger, now, access: 'command' });
      operators.push(state);
      return state;
    },
    async close() {
      await Promise.all(running.map((replica) => replica.stop()));
      await Promise.all(operators.map((operator) => operator.database.close().catch(() => undefined)));
      await Promise.all([balancer.close(), subscriptions.close()]);
      await database?.remove().catch(() => undefined);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all(Array.from({ length: count }, () => replicas.start()));
  } catch (error) {
    await replicas.close();
    throw error;
  }
  return replicas;
}
