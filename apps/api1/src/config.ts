import {
  certificateCheckSetting,
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

const DEVELOPMENT_SECRET = 'secret';

const schema = z.object({
  NODE_ENV: nodeEnvironmentSetting,
  LOG_LEVEL: logLevelSetting,
  API1_PORT: portSetting(4001),
  /** Identifiers: what tokens say. */
  ISSUER: urlSetting('http://localhost:4000'),
  API1_RESOURCE: urlSetting('http://localhost:4001'),
  API2_RESOURCE: urlSetting('http://localhost:4002'),
  /** Where they are reached, when not at their identifiers. */
  STS_URL: optionalUrlSetting,
  API2_URL: optionalUrlSetting,
  ALLOW_INSECURE_HTTP: switchSetting(false),
  NODE_TLS_REJECT_UNAUTHORIZED: certificateCheckSetting,
  /** The origin whose pages may call. */
  WEB_URL: urlSetting('http://localhost:5173'),
  API1_CLIENT_ID: z.string().default('api1.client'),
  API1_CLIENT_SECRET: z.string().default(DEVELOPMENT_SECRET),
  /** How long an exchanged token is kept at most; 0 keeps none. */
  API1_TOKEN_CACHE_SECONDS: z
    .string()
    .regex(/^\d{1,3}$/, 'is not a number of seconds')
    .transform(Number)
    .default(60),
  /** Routes that do on purpose what one must not do. Default: in development alone. */
  EXPERIMENTS: optionalSwitchSetting,
  EXPERIMENTS_IN_PRODUCTION: switchSetting(false),
});

/** The settings of this service, frozen. Throws SettingsError with all faults at once. */
export function loadConfig(environment: Environment, readFile?: (path: string) => string) {
  const settings = loadSettings(schema, environment, {
    prefix: 'API1',
    ...(readFile === undefined ? {} : { readFile }),
  });
  const isProduction = settings.NODE_ENV === 'production';
  const experiments = settings.EXPERIMENTS ?? !isProduction;
  refuseInProduction(settings.NODE_ENV, {
    'API1_CLIENT_SECRET is the development secret': settings.API1_CLIENT_SECRET === DEVELOPMENT_SECRET,
    ...insecureTransport(settings),
    ...unwantedExperiments(settings),
  });
  return Object.freeze({
    logLevel: settings.LOG_LEVEL,
    port: settings.API1_PORT,
    issuer: settings.ISSUER,
    stsUrl: settings.STS_URL ?? settings.ISSUER,
    allowInsecureHttp: settings.ALLOW_INSECURE_HTTP,
    resource: settings.API1_RESOURCE,
    client: { id: settings.API1_CLIENT_ID, secret: settings.API1_CLIENT_SECRET },
    api2: { resource: settings.API2_RESOURCE, url: settings.API2_URL ?? settings.API2_RESOURCE },
    webOrigin: new URL(settings.WEB_URL).origin,
    tokenCacheSeconds: settings.API1_TOKEN_CACHE_SECONDS,
    experiments,
  });
}
