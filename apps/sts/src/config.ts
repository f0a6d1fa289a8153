import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  certificateCheckSetting,
  databaseUrlSetting,
  type Environment,
  insecureTransport,
  isPlainHttpElsewhere,
  loadSettings,
  logLevelSetting,
  nodeEnvironmentSetting,
  optionalSwitchSetting,
  optionalUrlSetting,
  portSetting,
  refuseInProduction,
  switchSetting,
  urlSetting,
} from '@behalf/service';
import { z } from 'zod';
import { parseKeyEncryptionKeys } from './keys/key-encryption.ts';
import { DEVELOPMENT_ADDRESSES } from './registry/apis.ts';
import { DEVELOPMENT_SECRET } from './registry/clients.ts';

const WORKSPACE = fileURLToPath(new URL('../../..', import.meta.url));

const MINIMUM_COOKIE_KEY_LENGTH = 32;

const schema = z.object({
  NODE_ENV: nodeEnvironmentSetting,
  LOG_LEVEL: logLevelSetting,
  STS_PORT: portSetting(4000),
  /** Identifiers: what tokens say. */
  ISSUER: urlSetting(DEVELOPMENT_ADDRESSES.issuer).refine(isOrigin, 'is not an origin: it has a path'),
  API1_RESOURCE: urlSetting(DEVELOPMENT_ADDRESSES.api1Resource),
  API2_RESOURCE: urlSetting(DEVELOPMENT_ADDRESSES.api2Resource),
  SUBSCRIPTIONS_RESOURCE: urlSetting(DEVELOPMENT_ADDRESSES.subscriptionsResource),
  /** Where they are reached, when not at their identifiers. */
  API1_URL: optionalUrlSetting,
  API2_URL: optionalUrlSetting,
  SUBSCRIPTIONS_URL: optionalUrlSetting,
  WEB_URL: urlSetting(DEVELOPMENT_ADDRESSES.webUrl),
  ALLOW_INSECURE_HTTP: switchSetting(false),
  NODE_TLS_REJECT_UNAUTHORIZED: certificateCheckSetting,
  DATABASE_URL: databaseUrlSetting,
  /** Folder of the SQLite file, while there is no DATABASE_URL. A relative path starts at the workspace. */
  DATA_DIR: z.string().default('.data'),
  /** `id:base64` of 32 bytes, several separated by commas: the first seals, the others open what they sealed. */
  KEY_ENCRYPTION_KEY: z.string().refine(isKeyList, 'is no list of id:base64 with 32 bytes each').optional(),
  /** Separated by commas, the first signs. Left out: they are generated, kept sealed and rotated. */
  COOKIE_KEYS: z
    .string()
    .transform((text) => text.split(',').map((key) => key.trim()))
    .refine(
      (keys) => keys.every((key) => key.length >= MINIMUM_COOKIE_KEY_LENGTH),
      'has a key that is too short',
    )
    .optional(),
  /** Addresses or networks whose `X-Forwarded-For` is believed, separated by commas; or `loopback`, `uniquelocal`. */
  TRUSTED_PROXIES: z
    .string()
    .transform((text) => text.split(',').map((proxy) => proxy.trim()))
    .optional(),
  /** Secrets of the APIs' clients, the same that the APIs have. */
  API1_CLIENT_SECRET: z.string().default(DEVELOPMENT_SECRET),
  API2_CLIENT_SECRET: z.string().default(DEVELOPMENT_SECRET),
  SUBSCRIPTIONS_CLIENT_SECRET: z.string().default(DEVELOPMENT_SECRET),
  /** alice, bob and the others, and the clients that only examples use. Default: in development alone. */
  DEMO_DATA: optionalSwitchSetting,
  MACHINE_CLIENT_SECRET: z.string().default(DEVELOPMENT_SECRET),
});

type Settings = z.output<typeof schema>;

export type Config = ReturnType<typeof loadConfig>;

/** The settings of the STS, frozen. Throws SettingsError with all faults at once. */
export function loadConfig(environment: Environment, readFile?: (path: string) => string) {
  const settings = loadSettings(schema, environment, {
    prefix: 'STS',
    ...(readFile === undefined ? {} : { readFile }),
  });
  const isProduction = settings.NODE_ENV === 'production';
  const demo = settings.DEMO_DATA ?? !isProduction;
  refuseUnsafe(settings, demo);
  const dataDirectory = resolve(WORKSPACE, settings.DATA_DIR);
  return Object.freeze({
    isProduction,
    logLevel: settings.LOG_LEVEL,
    port: settings.STS_PORT,
    registry: {
      issuer: settings.ISSUER,
      api1Resource: settings.API1_RESOURCE,
      api2Resource: settings.API2_RESOURCE,
      subscriptionsResource: settings.SUBSCRIPTIONS_RESOURCE,
      api1Url: settings.API1_URL ?? settings.API1_RESOURCE,
      api2Url: settings.API2_URL ?? settings.API2_RESOURCE,
      webUrl: settings.WEB_URL,
    },
    subscriptionsUrl: settings.SUBSCRIPTIONS_URL ?? settings.SUBSCRIPTIONS_RESOURCE,
    webOrigin: new URL(settings.WEB_URL).origin,
    trustedProxies: settings.TRUSTED_PROXIES ?? [],
    databaseUrl: settings.DATABASE_URL,
    databaseFile: resolve(dataDirectory, 'sts.db'),
    dataDirectory,
    /** Undefined in development: one is made under the data directory. */
    keyEncryptionKey: settings.KEY_ENCRYPTION_KEY,
    cookieKeys: settings.COOKIE_KEYS,
    demo,
    clientSecrets: {
      'api1.client': settings.API1_CLIENT_SECRET,
      'api2.client': settings.API2_CLIENT_SECRET,
      'subscriptions.client': settings.SUBSCRIPTIONS_CLIENT_SECRET,
      'machine.client': settings.MACHINE_CLIENT_SECRET,
    },
  });
}

/** What must not reach production. Each is named with the variable that mends it. */
function refuseUnsafe(settings: Settings, demo: boolean): void {
  const isDevelopmentSecret = (secret: string) => secret === DEVELOPMENT_SECRET;
  refuseInProduction(settings.NODE_ENV, {
    'API1_CLIENT_SECRET is the development secret': isDevelopmentSecret(settings.API1_CLIENT_SECRET),
    'API2_CLIENT_SECRET is the development secret': isDevelopmentSecret(settings.API2_CLIENT_SECRET),
    'SUBSCRIPTIONS_CLIENT_SECRET is the development secret': isDevelopmentSecret(
      settings.SUBSCRIPTIONS_CLIENT_SECRET,
    ),
    'MACHINE_CLIENT_SECRET is the development secret':
      demo && isDevelopmentSecret(settings.MACHINE_CLIENT_SECRET),
    'KEY_ENCRYPTION_KEY is missing: signing keys would be kept beside their key':
      settings.KEY_ENCRYPTION_KEY === undefined,
    'KEY_ENCRYPTION_KEY is the development key': /(^|,)\s*development:/.test(
      settings.KEY_ENCRYPTION_KEY ?? '',
    ),
    'WEB_URL is plain http to another machine: codes would travel in the open': isPlainHttpElsewhere(
      settings.WEB_URL,
    ),
    ...insecureTransport(settings),
  });
}

function isOrigin(url: string): boolean {
  return new URL(url).origin === url;
}

function isKeyList(text: string): boolean {
  try {
    return parseKeyEncryptionKeys(text).length > 0;
  } catch {
    return false;
  }
}
