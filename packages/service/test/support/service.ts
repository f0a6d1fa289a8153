/** Started by a test as a process of its own: a service whose `/slow` answers when the test says so, over standard input. */

import express from 'express';
import { createLogger } from '../../src/logging.ts';
import { SettingsError } from '../../src/settings.ts';
import { runMain, startService } from '../../src/start-service.ts';

const [port = '0', stopTimeoutMs = '5000', fault = '', hosts = '127.0.0.1'] = process.argv.slice(2);

await runMain('slow', async () => {
  if (fault === 'settings') throw new SettingsError(['SLOW_PORT: is not a port number', 'ISSUER is missing']);
  const app = express();
  app.get('/fast', (_request, response) => void response.send('fast'));
  app.get('/slow', (_request, response) => {
    process.stdout.write('{"msg":"slow asked"}\n');
    process.stdin.once('data', () => void response.send('slow'));
  });
  await startService({
    app,
    port: Number(port),
    hosts: hosts.split(','),
    service: 'slow',
    logger: createLogger({ service: 'slow' }),
    close: () => void process.stdout.write('{"msg":"closed"}\n'),
    stopTimeoutMs: Number(stopTimeoutMs),
  });
});
