import { createAccessTokenVerifier } from '@behalf/auth';
import { openDatabase } from '@behalf/database';
import { createLogger, fetchWithRequestId, runMain, startService } from '@behalf/service';
import { createApp } from './app.ts';
import { loadConfig } from './config.ts';
import { addDemoData, migrations, type SubscriptionTables } from './storage.ts';

await runMain('subscriptions', async () => {
  const config = loadConfig(process.env);
  const logger = createLogger({ service: 'subscriptions', level: config.logLevel });
  const now = () => Math.floor(Date.now() / 1000);
  const database = await openDatabase<SubscriptionTables>({
    url: config.databaseUrl,
    file: config.databaseFile,
    schema: 'subscriptions',
    migrations,
    onConnectionError: (error) => logger.warn({ err: error }, 'a database connection broke'),
  });
  if (config.demoData) await addDemoData(database.db, now());
  const verifier = createAccessTokenVerifier({
    issuer: config.issuer,
    address: config.stsUrl,
    audience: config.resource,
    allowInsecureHttp: config.allowInsecureHttp,
    fetch: fetchWithRequestId,
  });
  await startService({
    app: createApp({ logger, verifier, database, now }),
    port: config.port,
    service: 'subscriptions',
    portVariable: 'SUBSCRIPTIONS_PORT',
    logger,
    close: database.close,
  });
});
