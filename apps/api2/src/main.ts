import {
  createAccessTokenVerifier,
  createDelegationClient,
  createIntrospection,
  createLiveTokenCheck,
} from '@behalf/auth';
import { openDatabase } from '@behalf/database';
import { createLogger, createUpstream, fetchWithRequestId, runMain, startService } from '@behalf/service';
import { createApp } from './app.ts';
import { loadConfig } from './config.ts';
import { addDemoData, type Api2Tables, migrations } from './storage/database.ts';

await runMain('api2', async () => {
  const config = loadConfig(process.env);
  const logger = createLogger({ service: 'api2', level: config.logLevel });
  const now = () => Math.floor(Date.now() / 1000);
  const database = await openDatabase<Api2Tables>({
    url: config.databaseUrl,
    file: config.databaseFile,
    schema: 'api2',
    migrations,
    onConnectionError: (error) => logger.warn({ err: error }, 'a database connection broke'),
  });
  if (config.demoData) await addDemoData(database.db, now());

  const sts = {
    issuer: config.issuer,
    address: config.stsUrl,
    allowInsecureHttp: config.allowInsecureHttp,
    fetch: fetchWithRequestId,
  };
  const client = { ...sts, clientId: config.client.id, clientSecret: config.client.secret };
  const app = createApp({
    logger,
    verifier: createAccessTokenVerifier({ ...sts, audience: config.resource }),
    database,
    live: createLiveTokenCheck({ introspect: createIntrospection(client) }),
    delegation: createDelegationClient(client),
    subscriptions: createUpstream({
      name: 'The subscription service',
      url: config.subscriptions.url,
      timeoutMs: 3_000,
    }),
    subscriptionsResource: config.subscriptions.resource,
    actor: config.actor,
    clientId: config.client.id,
    experiments: config.experiments,
    now,
  });
  await startService({
    app,
    port: config.port,
    service: 'api2',
    portVariable: 'API2_PORT',
    logger,
    close: database.close,
  });
});
