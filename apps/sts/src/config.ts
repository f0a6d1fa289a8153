import { join } from 'node:path';
import {
  addressOf,
  addressSetting,
  commonSettings,
  type Environment,
  identifierSetting,
  isWeakSecret,
  listenHosts,
  loadSettings,
  optionalAddressSetting,
  optionalSwitchSetting,
  portSetting,
  refuseInProduction,
  unsafeSettings,
} from '@behalf/service';
import { z } from 'zod';
import { parseKeyEncryptionKeys } from './keys/key-encryption.ts';
import { DEVELOPMENT_ADDRESSES } from './registry/apis.ts';
import { DEVELOPMENT_SECRET } from './registry/clients.ts';
import { registrySetting } from './registry/registry-file.ts';

const MINIMUM_COOKIE_KEY_LENGTH = 32;

const schema = z.object({
  ...commonSettings,
  STS_PORT: portSetting(4000),
  /** Identifiers, as tokens have them. */
  ISSUER: identifierSetting(DEVELOPMENT_ADDRESSES.issuer).refine(
    isOrigin,
    'is not an origin: nothing may follow the host, no slash either',
  ),
  API1_RESOURCE: identifierSetting(DEVELOPMENT_ADDRESSES.api1Resource),
  API2_RESOURCE: identifierSetting(DEVELOPMENT_ADDRESSES.api2Resource),
  SUBSCRIPTIONS_RESOURCE: identifierSetting(DEVELOPMENT_ADDRESSES.subscriptionsResource),
  /** Addresses, where they differ from the identifiers. */
  API1_URL: optionalAddressSetting,
  API2_URL: optionalAddressSetting,
  SUBSCRIPTIONS_URL: optionalAddressSetting,
  WEB_URL: addressSetting(DEVELOPMENT_ADDRESSES.webUrl),
  /** The registry in place of the built-in one; best `REGISTRY_FILE`. */
  REGISTRY: registrySetting,
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
  const isProduction = settings.NODE_ENV === 'production';
  const demo = settings.DEMO_DATA ?? !isProduction;
  const identifiers = {
    ISSUER: settings.ISSUER,
    API1_RESOURCE: settings.API1_RESOURCE,
    API2_RESOURCE: settings.API2_RESOURCE,
    SUBSCRIPTIONS_RESOURCE: settings.SUBSCRIPTIONS_RESOURCE,
  };
  const services = {
    API1_URL: settings.API1_URL ?? addressOf(settings.API1_RESOURCE),
    API2_URL: settings.API2_URL ?? addressOf(settings.API2_RESOURCE),
    SUBSCRIPTIONS_URL: settings.SUBSCRIPTIONS_URL ?? addressOf(settings.SUBSCRIPTIONS_RESOURCE),
  };
  const secrets = {
    'api1.client': settings.API1_CLIENT_SECRET,
    'api2.client': settings.API2_CLIENT_SECRET,
    'subscriptions.client': settings.SUBSCRIPTIONS_CLIENT_SECRET,
    ...(demo ? { 'machine.client': settings.MACHINE_CLIENT_SECRET } : {}),
  };
  const hasFile = settings.REGISTRY !== undefined;
  const clientSecrets: Readonly<Record<string, string>> = hasFile ? given(secrets) : secrets;
  refuseUnsafe(hasFile ? given(settings) : settings, demo);
  const dataDirectory = settings.DATA_DIR;
  return Object.freeze({
    isProduction,
    logLevel: settings.LOG_LEVEL,
    port: settings.STS_PORT,
    hosts: listenHosts(settings),
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
    /** Identifiers, addresses and the registry as settings; never a secret. */
    addresses: {
      ...identifiers,
      ...services,
      WEB_URL: settings.WEB_URL,
      ...(settings.REGISTRY === undefined ? {} : { REGISTRY: JSON.stringify(settings.REGISTRY) }),
    },
    webOrigin: new URL(settings.WEB_URL).origin,
    trustedProxies: settings.TRUSTED_PROXIES ?? [],
    databaseUrl: settings.DATABASE_URL,
    databaseFile: join(dataDirectory, 'sts.db'),
    dataDirectory,
    /** Undefined in development: one is made under the data directory. */
    keyEncryptionKey: settings.KEY_ENCRYPTION_KEY,
    cookieKeys: settings.COOKIE_KEYS,
    demo,
    experiments: settings.EXPERIMENTS ?? !isProduction,
    seed: settings.SEED ?? !isProduction,
    /** Undefined: the tables of `registry/`. */
    registryFile: settings.REGISTRY,
    clientSecrets,
  });
}

/** With a registry of one's own, settings of the built-in one that are left at their default are used for nothing. */
function given<Values extends object>(settings: Values): Values {
  const defaults: readonly unknown[] = [
    DEVELOPMENT_SECRET,
    DEVELOPMENT_ADDRESSES.api1Resource,
    DEVELOPMENT_ADDRESSES.api2Resource,
    DEVELOPMENT_ADDRESSES.subscriptionsResource,
  ];
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => !defaults.includes(value)),
  ) as Values;
}

/** Settings that production refuses, each named with the variable that mends it. */
function refuseUnsafe(settings: Settings, demo: boolean): void {
  const { MACHINE_CLIENT_SECRET, ...always } = settings;
  const identifiers = Object.fromEntries(
    (settings.REGISTRY?.apis ?? []).map(({ name, identifier }) => [`the identifier of ${name}`, identifier]),
  );
  const { KEY_ENCRYPTION_KEY: keys, COOKIE_KEYS: cookieKeys = [] } = settings;
  const parsed = keys === undefined ? [] : parseKeyEncryptionKeys(keys);
  refuseInProduction(settings.NODE_ENV, {
    ...unsafeSettings(
      { ...always, ...(demo ? { MACHINE_CLIENT_SECRET } : {}), ...identifiers },
      Object.keys(identifiers),
    ),
    'KEY_ENCRYPTION_KEY is missing: signing keys would be kept beside their key': keys === undefined,
    'KEY_ENCRYPTION_KEY is the development key': parsed.some(({ id }) => id === 'development'),
    'KEY_ENCRYPTION_KEY can be guessed: it wants 32 random bytes': parsed.some(({ key }) =>
      isWeakSecret(key.toString('latin1')),
    ),
    'COOKIE_KEYS can be guessed: they want 32 random characters each': cookieKeys.some(isWeakSecret),
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
