import {
  createAccessTokenVerifier,
  createDelegationClient,
  createIntrospection,
  createLiveTokenCheck,
} from '@behalf/auth';
import { createUpstream, fetchWithRequestId, runService } from '@behalf/service';
import { createApp } from './app.ts';
import { loadConfig } from './config.ts';

await runService(
  'agent',
  () => loadConfig(process.env),
  (config, logger) => {
    const sts = { ...config.sts, fetch: fetchWithRequestId };
    const app = createApp({
      logger,
      verifier: createAccessTokenVerifier({ ...sts, audience: config.resource }),
      live: createLiveTokenCheck({ introspect: createIntrospection({ ...sts, ...config.client }) }),
      // Nothing is kept, so that an agent stops with the next call when its user takes it back.
      delegation: createDelegationClient({ ...sts, ...config.client, maximumAgeSeconds: 0 }),
      api2: createUpstream({ name: 'API2', url: config.apis.api2.url }),
      webUrl: config.settings.WEB_URL,
    });
    return { app };
  },
);
