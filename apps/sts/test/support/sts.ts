import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@behalf/service';
import { type Config, loadConfig } from '../../src/config.ts';
import type { UserDirectory } from '../../src/federation/directory.ts';
import { createSts, type Sts } from '../../src/sts.ts';

/** The whole service over HTTP on a port of its own, with a database of its own. */
export interface TestSts extends Sts {
  readonly issuer: string;
  /** Where it is reached, whatever it is called. */
  readonly address: string;
  readonly config: Config;
  /** Everything that was logged so far, one line each. */
  readonly log: readonly string[];
  /** Time of this server; starts as the system's. Tests move it forward. */
  readonly clock: { skewSeconds: number };
}

export interface TestStsOptions {
  readonly directory?: UserDirectory;
  readonly environment?: Readonly<Record<string, string>>;
}

export const API1 = 'http://localhost:4001';

export const API2 = 'http://localhost:4002';

export const SUBSCRIPTIONS = 'http://localhost:4003';

export const REDIRECT_URI = 'http://localhost:5173/callback';

/** Nothing listens there, so that a test never reaches services that happen to run on this machine. */
const NOWHERE = 'http://127.0.0.1:9';

export const UNREACHABLE = { API1_URL: NOWHERE, API2_URL: NOWHERE, SUBSCRIPTIONS_URL: NOWHERE };

export async function startTestSts(options: TestStsOptions = {}): Promise<TestSts> {
  const folder = await mkdtemp(join(tmpdir(), 'behalf-sts-'));
  const server = createServer();
  const address = await listen(server);
  const config = loadConfig({
    ISSUER: address,
    DATA_DIR: folder,
    LOG_LEVEL: 'debug',
    ...UNREACHABLE,
    ...options.environment,
  });
  const log: string[] = [];
  const logger = createLogger({
    service: 'sts',
    level: config.logLevel,
    destination: { write: (line) => void log.push(line) },
  });
  const clock = { skewSeconds: 0 };
  const now = () => Math.floor(Date.now() / 1000) + clock.skewSeconds;
  const sts = await createSts(config, {
    logger,
    now,
    keyIntervalMs: 50,
    ...(options.directory === undefined ? {} : { directory: options.directory }),
  });
  server.on('request', sts.app);
  return {
    ...sts,
    issuer: config.registry.issuer,
    address,
    config,
    log,
    clock,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await sts.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Registers a web application with a secret. `request`: for its authorization requests; `credentials`: for its token requests. */
export async function addConfidentialClient({ state }: TestSts) {
  const request = { client_id: 'app.client', redirect_uri: 'https://app.example/callback' };
  await state.clients.upsert({
    id: request.client_id,
    firstParty: true,
    scopes: ['api1'],
    metadata: {
      client_id: request.client_id,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: [request.redirect_uri],
      scope: 'openid email',
    },
  });
  await state.clients.addSecret(request.client_id, 'its secret');
  return {
    request: { ...request, scope: 'openid email api1' },
    credentials: { ...request, client_secret: 'its secret' },
  };
}
