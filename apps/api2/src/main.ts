import {
  createAccessTokenVerifier,
  createDelegationClient,
  createIntrospection,
  createLiveTokenCheck,
} from '@behalf/auth';
import { openDatabase } from '@behalf/database';
import { recordCallsTo, recordExchange, recordTokenRequests } from '@behalf/demo-steps';
import { createUpstream, epochSeconds, fetchWithRequestId, openChannel, runService } from '@behalf/service';
import { createApp } from './app.ts';
import { loadConfig } from './config.ts';
import { addDemoData, type Api2Tables, migrations } from './storage/database.ts';

await runService(
  'api2',
  () => loadConfig(process.env),
  async (config, logger) => {
    const database = await openDatabase<Api2Tables>({
      ...config.database,
      migrations,
      onConnectionError: (error) => logger.warn({ err: error }, 'a database connection broke'),
    });
    if (config.demoData) await addDemoData(database.db, epochSeconds());
    const channel = await openChannel(config.redisUrl, { service: 'api2', logger });
    const sts = { ...config.sts, fetch: fetchWithRequestId };
    const client = { ...sts, ...config.client };
    const app = createApp({
      logger,
      verifier: createAccessTokenVerifier({ ...sts, audience: config.resource }),
      database,
      live: createLiveTokenCheck({ introspect: createIntrospection(client) }),
      delegation: createDelegationClient({
        ...client,
        fetch: recordTokenRequests(fetchWithRequestId),
        onExchange: recordExchange,
      }),
      subscriptions: createUpstream({
        name: 'The subscription service',
        url: config.apis.subscriptions.url,
        timeoutMs: 3_000,
        onCall: recordCallsTo('subscriptions'),
      }),
      subscriptionsResource: config.apis.subscriptions.resource,
      actor: config.actor,
      accountActors: config.accountActors,
      clientId: config.client.clientId,
      channel,
      experiments: config.experiments,
      now: epochSeconds,
    });
    return {
      app,
      async close() {
        await channel?.close();
        await database.close();
      },
    };
  },
);
