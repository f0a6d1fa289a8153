import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { Router } from 'express';
import { createLogger, type Logger } from './logging.ts';
import { SettingsError } from './settings.ts';

export interface StartServiceOptions {
  readonly app: RequestListener;
  readonly port: number;
  /** The addresses to listen on. Default: every interface. */
  readonly hosts?: readonly string[] | undefined;
  /** Its short name. `<NAME>_PORT` is the variable that sets the port. */
  readonly service: string;
  readonly logger: Logger;
  /** Runs after the last answer: closes the database and the like. */
  readonly close?: () => Promise<void> | void;
  /** How long requests in flight may take to finish. Default 10 s. */
  readonly stopTimeoutMs?: number;
}

/**
 * An idle connection outlives the proxy's 60 s (nginx's default), because a proxy that sends a POST on a connection which
 * is just being closed must answer 502. Connections are looked through every 2 s: at the default of 30 s a limit of 10 s
 * is none.
 */
const SERVER_TIMEOUTS = {
  keepAliveTimeout: 75_000,
  requestTimeout: 30_000,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 2_000,
} as const;

/**
 * Listens, and stops on SIGTERM or SIGINT: takes no new connection, lets requests in flight finish within
 * `stopTimeoutMs`, runs `close`, exits 0. A second signal exits at once. A port that cannot be had is reported with
 * its number and its variable, and exits 1. Resolves when it listens.
 */
export async function startService(options: StartServiceOptions): Promise<void> {
  const { logger, service, stopTimeoutMs = 10_000 } = options;
  const { servers, port } = await listen(options);
  logger.info({ port }, `${service} listens on port ${port}`);

  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    const stopped = Promise.all(servers.map((server) => stopServer(server, stopTimeoutMs)));
    logger.info({ signal }, `${service} stops`);
    void stopped
      .then(() => options.close?.())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error({ err: error }, `${service} did not stop cleanly`);
          process.exit(1);
        },
      );
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
}

/** Stops accepting, closes idle connections as they become idle, and cuts what is left after `timeoutMs`. */
async function stopServer(server: Server, timeoutMs: number): Promise<void> {
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  server.closeIdleConnections();
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed.promise;
  clearInterval(sweep);
  clearTimeout(cut);
}

/** Runs a service's `main`. Prints unusable settings as sentences and any other error with its stack, and exits 1. */
export async function runMain(service: string, main: () => Promise<unknown>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const text =
      error instanceof SettingsError ? error.message : error instanceof Error ? error.stack : String(error);
    process.stderr.write(`${service}: ${text}\n`);
    process.exit(1);
  }
}

/** A service's `main`: loads its configuration, makes it, and listens. */
export async function runService<
  Config extends Pick<StartServiceOptions, 'port' | 'hosts'> & { readonly logLevel: string },
>(
  service: string,
  load: () => Config,
  create: (
    config: Config,
    logger: Logger,
  ) => Promise<Pick<StartServiceOptions, 'app' | 'close'>> | Pick<StartServiceOptions, 'app' | 'close'>,
): Promise<void> {
  await runMain(service, async () => {
    const config = load();
    const logger = createLogger({ service, level: config.logLevel });
    const { port, hosts } = config;
    await startService({ service, port, hosts, logger, ...(await create(config, logger)) });
  });
}

/** The clock: epoch seconds. */
export function epochSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** A machine without IPv6 has no `::1`. */
const NO_SUCH_ADDRESS = new Set<string | undefined>(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/** One server for each address that this machine has, all on one port: the first takes it when it is 0. */
async function listen({ app, port, hosts = [undefined], service }: ListenOptions) {
  const servers: Server[] = [];
  let taken = port;
  for (const host of hosts) {
    const server = createServer(SERVER_TIMEOUTS, app);
    try {
      taken = await listenOn(server, taken, host);
      servers.push(server);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (servers.length > 0 && NO_SUCH_ADDRESS.has(code)) continue;
      const because = code === 'EADDRINUSE' ? 'is already in use' : `cannot be opened (${code ?? message})`;
      process.stderr.write(
        `${service}: port ${taken} ${because}. Set ${service.toUpperCase()}_PORT to another port.\n`,
      );
      process.exit(1);
    }
  }
  return { servers, port: taken };
}

interface ListenOptions extends Pick<StartServiceOptions, 'app' | 'port' | 'service'> {
  readonly hosts?: readonly (string | undefined)[] | undefined;
}

async function listenOn(server: Server, port: number, host: string | undefined): Promise<number> {
  await once(server.listen({ port, ...(host === undefined ? {} : { host }) }), 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

export interface HealthOptions {
  /** Resolves when this process can do its work (its database answers, say); rejects when it cannot. It asks no other service. */
  readonly ready: () => Promise<void> | void;
}

const READY_TIMEOUT_MS = 2_000;

/**
 * `GET /health/live`: the process answers. `GET /health/ready`: it can do its work; 503 when it cannot, or when that is not
 * known within two seconds. Neither says why: the log does.
 */
export function healthRoutes({ ready }: HealthOptions): Router {
  const routes = Router({ strict: true, caseSensitive: true });
  routes.get('/health/live', (_request, response) => {
    response.set('Cache-Control', 'no-store').json({ status: 'live' });
  });
  routes.get('/health/ready', async (_request, response) => {
    const isReady = await settlesInTime(ready);
    response
      .set('Cache-Control', 'no-store')
      .status(isReady ? 200 : 503)
      .json({ status: isReady ? 'ready' : 'unavailable' });
  });
  return routes;
}

async function settlesInTime(ready: HealthOptions['ready']): Promise<boolean> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('not known in time')), READY_TIMEOUT_MS);
  try {
    await Promise.race([Promise.resolve().then(ready), tooLate]);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
