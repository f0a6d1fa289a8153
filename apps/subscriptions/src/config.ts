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
  urlSetting,
  type Environment,
} from '@behalf/service';
import { z } from 'zod';

const WORKSPACE = fileURLToPath(new URL('../../..', import.meta.url));

const schema = z.object({
  NODE_ENV: nodeEnvironmentSetting,
  LOG_LEVEL: logLevelSetting,
  SUBSCRIPTIONS_PORT: portSetting(4003),
  /** Identifiers: what tokens say. */
  ISSUER: urlSetting('http://localhost:4000'),
  SUBSCRIPTIONS_RESOURCE: urlSetting('http://localhost:4003'),
  /** Where the STS is reached, when not at its identifier. */
  STS_URL: optionalUrlSetting,
  ALLOW_INSECURE_HTTP: switchSetting(false),
  NODE_TLS_REJECT_UNAUTHORIZED: certificateCheckSetting,
  DATABASE_URL: databaseUrlSetting,
  /** Folder of the SQLite file, while there is no DATABASE_URL. A relative path starts at the workspace. */
  DATA_DIR: z.string().default('.data'),
  /** Records for the development users. Default: in development alone. */
  DEMO_DATA: optionalSwitchSetting,
});

/** The settings of this service, frozen. Throws SettingsError with all faults at once. */
export function loadConfig(environment: Environment, readFile?: (path: string) => string) {
  const settings = loadSettings(schema, environment, {
    prefix: 'SUBSCRIPTIONS',
    ...(readFile === undefined ? {} : { readFile }),
  });
  const isProduction = settings.NODE_ENV === 'production';
  refuseInProduction(settings.NODE_ENV, insecureTransport(settings));
  return Object.freeze({
    logLevel: settings.LOG_LEVEL,
    port: settings.SUBSCRIPTIONS_PORT,
    issuer: settings.ISSUER,
    stsUrl: settings.STS_URL ?? settings.ISSUER,
    allowInsecureHttp: settings.ALLOW_INSECURE_HTTP,
    resource: settings.SUBSCRIPTIONS_RESOURCE,
    databaseUrl: settings.DATABASE_URL,
    databaseFile: resolve(WORKSPACE, settings.DATA_DIR, 'subscriptions.db'),
    demoData: settings.DEMO_DATA ?? !isProduction,
  });
}
