import { createAccessTokenVerifier, createDelegationClient } from '@behalf/auth';
import { createLogger, createUpstream, fetchWithRequestId, runMain, startService } from '@behalf/service';
import { createApp } from './app.ts';
import { loadConfig } from './config.ts';

await runMain('api1', async () => {
  const config = loadConfig(process.env);
  const logger = createLogger({ service: 'api1', level: config.logLevel });
  const sts = {
    issuer: config.issuer,
    address: config.stsUrl,
    allowInsecureHttp: config.allowInsecureHttp,
    fetch: fetchWithRequestId,
  };
  await startService({
    app: createApp({
      logger,
      verifier: createAccessTokenVerifier({ ...sts, audience: config.resource }),
      delegation: createDelegationClient({
        ...sts,
        clientId: config.client.id,
        clientSecret: config.client.secret,
        maximumAgeSeconds: config.tokenCacheSeconds,
      }),
      upstream: createUpstream({ name: 'API2', url: config.api2.url, timeoutMs: 10_000 }),
      clientId: config.client.id,
      webOrigin: config.webOrigin,
      experiments: config.experiments,
      now: () => Math.floor(Date.now() / 1000),
    }),
    port: config.port,
    service: 'api1',
    portVariable: 'API1_PORT',
    logger,
  });
});
