import { createServer, type RequestListener, type Server } from 'node:http';
import { Router } from 'express';
import { createLogger, type Logger } from './logging.ts';
import { SettingsError } from './settings.ts';

export interface StartServiceOptions {
  readonly app: RequestListener;
  readonly port: number;
  /** Default: every interface. */
  readonly host?: string;
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
 * its number and its variable, and exits 1. Resolves to the listening server.
 */
export async function startService(options: StartServiceOptions): Promise<Server> {
  const { logger, service, stopTimeoutMs = 10_000 } = options;
  const server = createServer(SERVER_TIMEOUTS, options.app);
  await listen(server, options);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  logger.info({ port }, `${service} listens on port ${port}`);

  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    const stopped = stopServer(server, stopTimeoutMs);
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
  return server;
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
export async function runService<Config extends { readonly logLevel: string; readonly port: number }>(
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
    await startService({ service, port: config.port, logger, ...(await create(config, logger)) });
  });
}

/** The clock: epoch seconds. */
export function epochSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

async function listen(server: Server, { port, host, service }: StartServiceOptions): Promise<void> {
  const listening = Promise.withResolvers<void>();
  server.once('error', (error: NodeJS.ErrnoException) => {
    const because =
      error.code === 'EADDRINUSE' ? 'is already in use' : `cannot be opened (${error.code ?? error.message})`;
    process.stderr.write(
      `${service}: port ${port} ${because}. Set ${service.toUpperCase()}_PORT to another port.\n`,
    );
    process.exit(1);
  });
  server.listen({ port, ...(host === undefined ? {} : { host }) }, listening.resolve);
  await listening.promise;
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
