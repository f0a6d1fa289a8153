import { createAccessTokenVerifier } from '@behalf/auth';
import { openDatabase } from '@behalf/database';
import { epochSeconds, fetchWithRequestId, runService } from '@behalf/service';
import { createApp } from './app.ts';
import { loadConfig } from './config.ts';
import { addDemoData, migrations, type SubscriptionTables } from './storage.ts';

await runService(
  'subscriptions',
  () => loadConfig(process.env),
  async (config, logger) => {
    const database = await openDatabase<SubscriptionTables>({
      ...config.database,
      migrations,
      onConnectionError: (error) => logger.warn({ err: error }, 'a database connection broke'),
    });
    if (config.demoData) await addDemoData(database.db, epochSeconds());
    const verifier = createAccessTokenVerifier({
      ...config.sts,
      audience: config.resource,
      fetch: fetchWithRequestId,
    });
    return {
      app: createApp({ logger, verifier, database, dpop: config.dpop, now: epochSeconds }),
      close: database.close,
    };
  },
);
