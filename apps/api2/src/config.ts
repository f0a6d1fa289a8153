import { type Environment, loadApiConfig } from '@behalf/service';
import { z } from 'zod';

const settings = {
  /** The one client that may act for a user here. */
  API2_ACTOR: z.string().default('api1.client'),
  /** The clients that may read a user's accounts besides, separated by commas. */
  API2_ACCOUNT_READERS: z
    .string()
    .default('agent.client')
    .transform((text) => text.split(',').map((client) => client.trim())),
};

/** The settings of this service, frozen. Throws SettingsError with all faults at once. */
export function loadConfig(environment: Environment, readFile?: (path: string) => string) {
  const config = loadApiConfig(
    { service: 'api2', port: 4002, isClient: true, calls: { subscriptions: 4003 }, settings },
    environment,
    readFile,
  );
  const { API2_ACTOR: actor, API2_ACCOUNT_READERS: readers } = config.settings;
  return Object.freeze({ ...config, actor, accountActors: [actor, ...readers] as const });
}
