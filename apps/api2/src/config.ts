import { type Environment, loadApiConfig } from '@behalf/service';
import { z } from 'zod';

/** Client ids, separated by commas. */
const clients = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) => text.split(',').map((client) => client.trim()) as [string, ...string[]]);

const settings = {
  /** The clients that may act for a user here. */
  API2_ACTORS: clients('api1.client'),
  /** The clients that may read a user's accounts besides. */
  API2_ACCOUNT_READERS: clients('agent.client'),
};

/** The settings of this service, frozen. Throws SettingsError with all faults at once. */
export function loadConfig(environment: Environment, readFile?: (path: string) => string) {
  const config = loadApiConfig(
    { service: 'api2', port: 4002, isClient: true, calls: { subscriptions: 4003 }, settings },
    environment,
    readFile,
  );
  const { API2_ACTORS: actors, API2_ACCOUNT_READERS: readers } = config.settings;
  return Object.freeze({ ...config, actors, accountActors: [...actors, ...readers] as const });
}
