import { createLogger, runMain, startService } from '@behalf/service';
import { createApp } from './app.ts';
import { loadConfig } from './config.ts';

await runMain('web', async () => {
  const config = loadConfig(process.env);
  const logger = createLogger({ service: 'web', level: config.logLevel });
  return startService({
    app: createApp({ root: config.root, client: config.client, url: config.url }),
    port: config.port,
    service: 'web',
    portVariable: 'WEB_PORT',
    logger,
  });
});
