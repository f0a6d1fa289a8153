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
  SettingsError,
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
  /** Identifiers, as tokens have them. */
  ISSUER: urlSetting(DEVELOPMENT_ADDRESSES.issuer).refine(isOrigin, 'is not an origin: it has a path'),
  API1_RESOURCE: urlSetting(DEVELOPMENT_ADDRESSES.api1Resource),
  API2_RESOURCE: urlSetting(DEVELOPMENT_ADDRESSES.api2Resource),
  SUBSCRIPTIONS_RESOURCE: urlSetting(DEVELOPMENT_ADDRESSES.subscriptionsResource),
  /** Addresses, where they differ from the identifiers. */
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
  /** Whether a start puts the registry's clients and users into the database. Default: in development alone. */
  SEED: optionalSwitchSetting,
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
  if (settings.ISSUER.startsWith('https:') && !environment['NODE_ENV'] && !environment['STS_NODE_ENV']) {
    throw new SettingsError([
      'NODE_ENV is not set, and ISSUER is https: set it to production or development',
    ]);
  }
  const isProduction = settings.NODE_ENV === 'production';
  const demo = settings.DEMO_DATA ?? !isProduction;
  const identifiers = {
    ISSUER: settings.ISSUER,
    API1_RESOURCE: settings.API1_RESOURCE,
    API2_RESOURCE: settings.API2_RESOURCE,
    SUBSCRIPTIONS_RESOURCE: settings.SUBSCRIPTIONS_RESOURCE,
  };
  const services = {
    API1_URL: settings.API1_URL ?? settings.API1_RESOURCE,
    API2_URL: settings.API2_URL ?? settings.API2_RESOURCE,
    SUBSCRIPTIONS_URL: settings.SUBSCRIPTIONS_URL ?? settings.SUBSCRIPTIONS_RESOURCE,
  };
  const clientSecrets = {
    'api1.client': settings.API1_CLIENT_SECRET,
    'api2.client': settings.API2_CLIENT_SECRET,
    'subscriptions.client': settings.SUBSCRIPTIONS_CLIENT_SECRET,
    ...(demo ? { 'machine.client': settings.MACHINE_CLIENT_SECRET } : {}),
  };
  refuseInProduction(settings.NODE_ENV, {
    ...secretFaults(clientSecrets),
    ...keyFaults(settings),
    ...addressFaults(settings, identifiers, services),
    ...insecureTransport(settings),
  });
  const dataDirectory = resolve(WORKSPACE, settings.DATA_DIR);
  return Object.freeze({
    isProduction,
    logLevel: settings.LOG_LEVEL,
    port: settings.STS_PORT,
    registry: {
      issuer: identifiers.ISSUER,
      api1Resource: identifiers.API1_RESOURCE,
      api2Resource: identifiers.API2_RESOURCE,
      subscriptionsResource: identifiers.SUBSCRIPTIONS_RESOURCE,
      api1Url: services.API1_URL,
      api2Url: services.API2_URL,
      webUrl: settings.WEB_URL,
    },
    subscriptionsUrl: services.SUBSCRIPTIONS_URL,
    /** Identifiers and addresses as settings; never a secret. */
    addresses: { ...identifiers, ...services, WEB_URL: settings.WEB_URL },
    webOrigin: new URL(settings.WEB_URL).origin,
    trustedProxies: settings.TRUSTED_PROXIES ?? [],
    databaseUrl: settings.DATABASE_URL,
    databaseFile: resolve(dataDirectory, 'sts.db'),
    dataDirectory,
    /** Undefined in development: one is made under the data directory. */
    keyEncryptionKey: settings.KEY_ENCRYPTION_KEY,
    cookieKeys: settings.COOKIE_KEYS,
    demo,
    seed: settings.SEED ?? !isProduction,
    clientSecrets,
  });
}

const MINIMUM_SECRET_LENGTH = 16;

/** Random bytes and characters repeat far less often than typed ones. */
const MINIMUM_DISTINCT = 8;

/** What must not reach production, by the sentence that names the variable; true where it is so. */
type Faults = Readonly<Record<string, boolean>>;

function secretFaults(clientSecrets: Readonly<Record<string, string>>): Faults {
  const all = Object.values(clientSecrets);
  return Object.assign(
    {},
    ...Object.entries(clientSecrets).map(([client, secret]) => {
      const variable = `${client.replace('.', '_').toUpperCase()}_SECRET`;
      const isDevelopment = secret === DEVELOPMENT_SECRET;
      return {
        [`${variable} is the development secret`]: isDevelopment,
        [`${variable} can be guessed: it wants ${MINIMUM_SECRET_LENGTH} random characters or more`]:
          !isDevelopment && (secret.length < MINIMUM_SECRET_LENGTH || isMonotonous(secret)),
        [`${variable} is another client's secret, too`]:
          !isDevelopment && all.filter((other) => other === secret).length > 1,
      };
    }),
  ) as Faults;
}

function keyFaults({ KEY_ENCRYPTION_KEY: keys, COOKIE_KEYS: cookieKeys = [] }: Settings): Faults {
  const parsed = keys === undefined ? [] : parseKeyEncryptionKeys(keys);
  return {
    'KEY_ENCRYPTION_KEY is missing: signing keys would be kept beside their key': keys === undefined,
    'KEY_ENCRYPTION_KEY is the development key': parsed.some(({ id }) => id === 'development'),
    'KEY_ENCRYPTION_KEY can be guessed: it wants 32 random bytes': parsed.some(({ key }) =>
      isMonotonous(key),
    ),
    'COOKIE_KEYS can be guessed: they want 32 random characters each': cookieKeys.some((key) =>
      isMonotonous(key),
    ),
  };
}

function addressFaults(
  settings: Settings,
  identifiers: Readonly<Record<string, string>>,
  services: Readonly<Record<string, string>>,
): Faults {
  const permitted = settings.ALLOW_INSECURE_HTTP;
  const { ISSUER: _issuer, ...resources } = identifiers;
  return Object.assign(
    {},
    ...Object.entries({ ...resources, WEB_URL: settings.WEB_URL }).map(([variable, url]) => ({
      [`${variable} is not https (ALLOW_INSECURE_HTTP=on permits that on localhost)`]:
        url.startsWith('http:') && (!permitted || isPlainHttpElsewhere(url)),
    })),
    ...Object.entries(services).map(([variable, url]) => ({
      [`${variable} is plain http to another machine (ALLOW_INSECURE_HTTP=on permits that in a network that encrypts)`]:
        isPlainHttpElsewhere(url) && !permitted,
    })),
  ) as Faults;
}

function isMonotonous(of: Iterable<unknown>): boolean {
  return new Set(of).size < MINIMUM_DISTINCT;
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
