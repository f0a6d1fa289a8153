import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  certificateCheckSetting,
  databaseUrlSetting,
  insecureTransport,
  loadSettings,
  logLevelSetting,
  nodeEnvironmentSetting,
  optionalSwitchSetting,
  optionalUrlSetting,
  portSetting,
  refuseInProduction,
  switchSetting,
  unwantedExperiments,
  urlSetting,
  type Environment,
} from '@behalf/service';
import { z } from 'zod';

const WORKSPACE = fileURLToPath(new URL('../../..', import.meta.url));
const DEVELOPMENT_SECRET = 'secret';

const schema = z.object({
  NODE_ENV: nodeEnvironmentSetting,
  LOG_LEVEL: logLevelSetting,
  API2_PORT: portSetting(4002),
  /** Identifiers: what tokens say. */
  ISSUER: urlSetting('http://localhost:4000'),
  API2_RESOURCE: urlSetting('http://localhost:4002'),
  SUBSCRIPTIONS_RESOURCE: urlSetting('http://localhost:4003'),
  /** Where they are reached, when not at their identifiers. */
  STS_URL: optionalUrlSetting,
  SUBSCRIPTIONS_URL: optionalUrlSetting,
  ALLOW_INSECURE_HTTP: switchSetting(false),
  NODE_TLS_REJECT_UNAUTHORIZED: certificateCheckSetting,
  API2_CLIENT_ID: z.string().default('api2.client'),
  API2_CLIENT_SECRET: z.string().default(DEVELOPMENT_SECRET),
  /** The one client that may act for a user here. */
  API2_ACTOR: z.string().default('api1.client'),
  DATABASE_URL: databaseUrlSetting,
  /** Folder of the SQLite file, while there is no DATABASE_URL. A relative path starts at the workspace. */
  DATA_DIR: z.string().default('.data'),
  /** Accounts for the development users. Default: in development alone. */
  DEMO_DATA: optionalSwitchSetting,
  /** A route that API1's experiments need. Default: in development alone. */
  EXPERIMENTS: optionalSwitchSetting,
  EXPERIMENTS_IN_PRODUCTION: switchSetting(false),
});

/** The settings of this service, frozen. Throws SettingsError with all faults at once. */
export function loadConfig(environment: Environment, readFile?: (path: string) => string) {
  const settings = loadSettings(schema, environment, {
    prefix: 'API2',
    ...(readFile === undefined ? {} : { readFile }),
  });
  const isProduction = settings.NODE_ENV === 'production';
  const experiments = settings.EXPERIMENTS ?? !isProduction;
  refuseInProduction(settings.NODE_ENV, {
    'API2_CLIENT_SECRET is the development secret': settings.API2_CLIENT_SECRET === DEVELOPMENT_SECRET,
    ...insecureTransport(settings),
    ...unwantedExperiments(settings),
  });
  return Object.freeze({
    logLevel: settings.LOG_LEVEL,
    port: settings.API2_PORT,
    issuer: settings.ISSUER,
    stsUrl: settings.STS_URL ?? settings.ISSUER,
    allowInsecureHttp: settings.ALLOW_INSECURE_HTTP,
    resource: settings.API2_RESOURCE,
    actor: settings.API2_ACTOR,
    client: { id: settings.API2_CLIENT_ID, secret: settings.API2_CLIENT_SECRET },
    subscriptions: {
      resource: settings.SUBSCRIPTIONS_RESOURCE,
      url: settings.SUBSCRIPTIONS_URL ?? settings.SUBSCRIPTIONS_RESOURCE,
    },
    databaseUrl: settings.DATABASE_URL,
    databaseFile: resolve(WORKSPACE, settings.DATA_DIR, 'api2.db'),
    experiments,
    demoData: settings.DEMO_DATA ?? !isProduction,
  });
}
