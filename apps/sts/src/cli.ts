import { createLogger, runMain } from '@behalf/service';
import { askSecret, CommandError } from './cli/command.ts';
import { runCommand, USAGE } from './cli/run.ts';
import { loadConfig } from './config.ts';
import { loadRegistry, seedRegistry } from './registry/load-registry.ts';
import { createState } from './state/state.ts';

/** The operators' command line, over the same settings and the same database as the server. */
await runMain('sts', async () => {
  const args = process.argv.slice(2);
  if (args.length === 0 || args[0] === 'help' || args[0] === '--help') {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  // `pnpm sts ledger | head` closes the pipe when it has read enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  const config = loadConfig(process.env);
  const now = () => Math.floor(Date.now() / 1000);
  const registry = await loadRegistry(config);
  const logger = createLogger({ service: 'sts', level: 'fatal' });
  const state = await createState({ config, registry, logger, now });
  try {
    await seedRegistry(registry, state, { ...config, now: now() });
    await runCommand(args, {
      state,
      registry,
      isProduction: config.isProduction,
      now,
      print: (line) => void process.stdout.write(`${line}\n`),
      askSecret,
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  } finally {
    await state.database.close();
  }
});
