import { runService } from '@behalf/service';
import { createApp } from './app.ts';
import { loadConfig } from './config.ts';

await runService(
  'web',
  () => loadConfig(process.env),
  ({ root, client, url }) => ({ app: createApp({ root, client, url }) }),
);
