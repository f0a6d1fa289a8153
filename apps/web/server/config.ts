import { join } from 'node:path';
import {
  addressSetting,
  commonSettings,
  type Environment,
  identifierSetting,
  listenHosts,
  loadSettings,
  optionalAddressSetting,
  portSetting,
  refuseInProduction,
  unsafeSettings,
} from '@behalf/service';
import { z } from 'zod';
import type { ClientConfig } from '../src/config.ts';

const { DATABASE_URL: _database, DATA_DIR: _folder, DEMO_DATA: _data, ...common } = commonSettings;

const schema = z.object({
  ...common,
  WEB_PORT: portSetting(5173),
  /** Where `vite build` has put the client. */
  WEB_ROOT: z.string().default(join(import.meta.dirname, '..', 'dist')),
  /** Where people reach this app. Default: localhost and the port. */
  WEB_URL: optionalAddressSetting,
  API1_URL: addressSetting('http://localhost:4001'),
  API1_RESOURCE: identifierSetting('http://localhost:4001'),
  API2_URL: addressSetting('http://localhost:4002'),
  API2_RESOURCE: identifierSetting('http://localhost:4002'),
  SUBSCRIPTIONS_RESOURCE: identifierSetting('http://localhost:4003'),
  AGENT_URL: addressSetting('http://localhost:4004'),
  AGENT_RESOURCE: identifierSetting('http://localhost:4004'),
});

export interface WebConfig {
  readonly port: number;
  readonly hosts: readonly string[] | undefined;
  /** Where people reach this app: the address that the STS sends them back to. */
  readonly url: string;
  readonly root: string;
  readonly logLevel: string;
  /** Every member is public: the page contains them. */
  readonly client: ClientConfig;
}

/**
 * Reads the settings of the web host. The addresses are those that a *browser* uses: inside a container network they
 * differ from what the services call one another. `EXPERIMENTS` says whether the page offers experiments; API1 decides for
 * itself whether it runs them. Throws SettingsError with all faults at once; in production every unsafe setting is one.
 */
export function loadConfig(environment: Environment): WebConfig {
  const settings = loadSettings(schema, environment, { prefix: 'WEB' });
  refuseInProduction(settings.NODE_ENV, unsafeSettings(settings, ['API1_URL', 'API2_URL', 'AGENT_URL']));
  return Object.freeze({
    port: settings.WEB_PORT,
    hosts: listenHosts(settings),
    url: settings.WEB_URL ?? `http://localhost:${settings.WEB_PORT}`,
    root: settings.WEB_ROOT,
    logLevel: settings.LOG_LEVEL,
    client: Object.freeze({
      issuer: settings.ISSUER,
      clientId: 'web.client',
      api1Url: settings.API1_URL,
      api1Resource: settings.API1_RESOURCE,
      api2Url: settings.API2_URL,
      api2Resource: settings.API2_RESOURCE,
      subscriptionsResource: settings.SUBSCRIPTIONS_RESOURCE,
      agentUrl: settings.AGENT_URL,
      agentResource: settings.AGENT_RESOURCE,
      experiments: settings.EXPERIMENTS ?? settings.NODE_ENV !== 'production',
    }),
  });
}
