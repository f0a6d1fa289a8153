import { createAccessTokenVerifier, createDelegationClient } from '@behalf/auth';
import { recordCallsTo, recordExchange, recordTokenRequests } from '@behalf/demo-steps';
import { createUpstream, epochSeconds, fetchWithRequestId, openChannel, runService } from '@behalf/service';
import { createApp } from './app.ts';
import { loadConfig } from './config.ts';

await runService(
  'api1',
  () => loadConfig(process.env),
  async (config, logger) => {
    const channel = await openChannel(config.redisUrl, { service: 'api1', logger });
    const sts = { ...config.sts, fetch: fetchWithRequestId };
    const app = createApp({
      logger,
      verifier: createAccessTokenVerifier({ ...sts, audience: config.resource }),
      delegation: createDelegationClient({
        ...sts,
        ...config.client,
        fetch: recordTokenRequests(fetchWithRequestId),
        maximumAgeSeconds: config.tokenCacheSeconds,
        onExchange: recordExchange,
      }),
      upstream: createUpstream({
        name: 'API2',
        url: config.apis.api2.url,
        timeoutMs: 10_000,
        onCall: recordCallsTo('api2'),
      }),
      clientId: config.client.clientId,
      webOrigin: config.webOrigin,
      channel,
      experiments: config.experiments,
      now: epochSeconds,
    });
    return { app, ...(channel && { close: channel.close }) };
  },
);
