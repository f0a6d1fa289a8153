import { createLogger, runMain, startService } from '@behalf/service';
import { loadConfig } from './config.ts';
import { createSts } from './sts.ts';

await runMain('sts', async () => {
  const config = loadConfig(process.env);
  const logger = createLogger({ service: 'sts', level: config.logLevel });
  const sts = await createSts(config, { logger });
  await startService({
    app: sts.app,
    port: config.port,
    hosts: config.hosts,
    service: 'sts',
    logger,
    close: sts.close,
  });
});
