import { createLogger, runMain } from '@behalf/service';
import { askSecret, CommandError } from './cli/command.ts';
import { registry as registryCommand } from './cli/registry.ts';
import { runCommand, USAGE } from './cli/run.ts';
import { type Config, loadConfig } from './config.ts';
import { loadRegistry } from './registry/load-registry.ts';
import { developmentSettingsIn } from './state/server.ts';
import { createState, openStsDatabase } from './state/state.ts';

/**
 * The operators' command line, over the server's settings and database. Only `seed` and what a command says it does write;
 * of a development server it takes the addresses that it was started with from the database.
 */
await runMain('sts', async () => {
  const args = process.argv.slice(2);
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  if (args.length === 0 || args[0] === 'help' || args[0] === '--help') {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  // `pnpm sts ledger | head` closes the pipe when it has read enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  if (args[0] === 'registry') return registryCommand(args.slice(1), process.env, print);
  const access = args[0] === 'seed' ? 'server' : 'command';
  const logger = createLogger({ service: 'sts', level: 'fatal' });
  const now = () => Math.floor(Date.now() / 1000);
  let config: Config = loadConfig(process.env);
  const database = await openStsDatabase(config, { logger, access });
  try {
    if (!config.isProduction) {
      const running = Object.entries(await developmentSettingsIn(database.db));
      const needed = running.filter(([name]) => !process.env[`${name}_FILE`]);
      config = loadConfig({ ...Object.fromEntries(needed), ...process.env });
    }
    const registry = await loadRegistry(config);
    const state = await createState({ database, config, registry, logger, access, now });
    await runCommand(args, {
      state,
      registry,
      isProduction: config.isProduction,
      now,
      print,
      askSecret,
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  } finally {
    await database.close();
  }
});
