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
  SettingsError,
  switchSetting,
  unsafeSettings,
} from '@behalf/service';
import { z } from 'zod';
import type { UpstreamSettings } from './federation/upstream.ts';
import { parseKeyEncryptionKeys } from './keys/key-encryption.ts';
import { type ClientDocumentSettings, isLoopbackHost } from './oidc/client-documents.ts';
import { DEVELOPMENT_ADDRESSES } from './registry/apis.ts';
import { DEVELOPMENT_SECRET } from './registry/clients.ts';

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
  AGENT_RESOURCE: identifierSetting(DEVELOPMENT_ADDRESSES.agentResource),
  /** Addresses, where they differ from the identifiers. */
  API1_URL: optionalAddressSetting,
  API2_URL: optionalAddressSetting,
  SUBSCRIPTIONS_URL: optionalAddressSetting,
  WEB_URL: addressSetting(DEVELOPMENT_ADDRESSES.webUrl),
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
  /** `on`, `off`, or the hosts whose documents are taken, separated by commas. Default: in development alone. */
  CLIENT_METADATA_DOCUMENTS: z
    .string()
    .refine(
      (text) =>
        text
          .split(',')
          .every((host) => URL.parse(`https://${host.trim()}`)?.hostname === host.trim().toLowerCase()),
      'is neither "on" nor "off" nor a list of hosts',
    )
    .transform(clientDocumentSettings)
    .optional(),
  /** Another OpenID provider that people may sign in with, and the client that this server is there. */
  UPSTREAM_ISSUER: z.string().refine(isAddress, 'is not an absolute http(s) URL').optional(),
  UPSTREAM_CLIENT_ID: z.string().optional(),
  UPSTREAM_CLIENT_SECRET: z.string().optional(),
  UPSTREAM_NAME: z.string().max(60).default('another account'),
  /** Whether people who are known there alone become users here. */
  UPSTREAM_CREATE_USERS: switchSetting(false),
  /** Secrets of the APIs' clients, the same that the APIs have. */
  API1_CLIENT_SECRET: z.string().default(DEVELOPMENT_SECRET),
  API2_CLIENT_SECRET: z.string().default(DEVELOPMENT_SECRET),
  SUBSCRIPTIONS_CLIENT_SECRET: z.string().default(DEVELOPMENT_SECRET),
  AGENT_CLIENT_SECRET: z.string().default(DEVELOPMENT_SECRET),
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
  const clientDocuments = settings.CLIENT_METADATA_DOCUMENTS ?? (isProduction ? 'off' : { hosts: undefined });
  const identifiers = {
    ISSUER: settings.ISSUER,
    API1_RESOURCE: settings.API1_RESOURCE,
    API2_RESOURCE: settings.API2_RESOURCE,
    SUBSCRIPTIONS_RESOURCE: settings.SUBSCRIPTIONS_RESOURCE,
    AGENT_RESOURCE: settings.AGENT_RESOURCE,
  };
  const services = {
    API1_URL: settings.API1_URL ?? addressOf(settings.API1_RESOURCE),
    API2_URL: settings.API2_URL ?? addressOf(settings.API2_RESOURCE),
    SUBSCRIPTIONS_URL: settings.SUBSCRIPTIONS_URL ?? addressOf(settings.SUBSCRIPTIONS_RESOURCE),
  };
  const clientSecrets = {
    'api1.client': settings.API1_CLIENT_SECRET,
    'api2.client': settings.API2_CLIENT_SECRET,
    'subscriptions.client': settings.SUBSCRIPTIONS_CLIENT_SECRET,
    'agent.client': settings.AGENT_CLIENT_SECRET,
    ...(demo ? { 'machine.client': settings.MACHINE_CLIENT_SECRET } : {}),
  };
  refuseUnsafe(settings, demo);
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
      agentResource: identifiers.AGENT_RESOURCE,
      api1Url: services.API1_URL,
      api2Url: services.API2_URL,
      webUrl: settings.WEB_URL,
    },
    subscriptionsUrl: services.SUBSCRIPTIONS_URL,
    /** Identifiers and addresses as settings; never a secret. */
    addresses: { ...identifiers, ...services, WEB_URL: settings.WEB_URL },
    webOrigin: new URL(settings.WEB_URL).origin,
    trustedProxies: settings.TRUSTED_PROXIES ?? [],
    /** Undefined: people sign in here alone. */
    upstream: upstreamOf(settings),
    /** Undefined: off. */
    clientDocuments: clientDocuments === 'off' ? undefined : clientDocuments,
    databaseUrl: settings.DATABASE_URL,
    databaseFile: join(dataDirectory, 'sts.db'),
    dataDirectory,
    /** Undefined in development: one is made under the data directory. */
    keyEncryptionKey: settings.KEY_ENCRYPTION_KEY,
    cookieKeys: settings.COOKIE_KEYS,
    demo,
    experiments: settings.EXPERIMENTS ?? !isProduction,
    seed: settings.SEED ?? !isProduction,
    clientSecrets,
  });
}

/** Settings that production refuses, each named with the variable that mends it. */
function refuseUnsafe(settings: Settings, demo: boolean): void {
  const { MACHINE_CLIENT_SECRET, ...always } = settings;
  const {
    KEY_ENCRYPTION_KEY: keys,
    COOKIE_KEYS: cookieKeys = [],
    CLIENT_METADATA_DOCUMENTS: documents,
  } = settings;
  const documentHosts = documents === undefined || documents === 'off' ? [] : (documents.hosts ?? []);
  const parsed = keys === undefined ? [] : parseKeyEncryptionKeys(keys);
  refuseInProduction(settings.NODE_ENV, {
    ...unsafeSettings(demo ? { ...always, MACHINE_CLIENT_SECRET } : always),
    'KEY_ENCRYPTION_KEY is missing: signing keys would be kept beside their key': keys === undefined,
    'KEY_ENCRYPTION_KEY is the development key': parsed.some(({ id }) => id === 'development'),
    'KEY_ENCRYPTION_KEY can be guessed: it wants 32 random bytes': parsed.some(({ key }) =>
      isWeakSecret(key.toString('latin1')),
    ),
    'UPSTREAM_ISSUER is not https':
      settings.UPSTREAM_ISSUER !== undefined && !settings.UPSTREAM_ISSUER.startsWith('https:'),
    'CLIENT_METADATA_DOCUMENTS names this machine': documentHosts.some(isLoopbackHost),
    'COOKIE_KEYS can be guessed: they want 32 random characters each': cookieKeys.some(isWeakSecret),
  });
}

/** Throws SettingsError when a part of it is missing. */
function upstreamOf(settings: Settings): UpstreamSettings | undefined {
  const {
    UPSTREAM_ISSUER: issuer,
    UPSTREAM_CLIENT_ID: clientId,
    UPSTREAM_CLIENT_SECRET: clientSecret,
  } = settings;
  if (issuer === undefined && clientId === undefined && clientSecret === undefined) return undefined;
  if (issuer === undefined || clientId === undefined || clientSecret === undefined) {
    throw new SettingsError(['UPSTREAM_ISSUER, UPSTREAM_CLIENT_ID and UPSTREAM_CLIENT_SECRET come together']);
  }
  const { UPSTREAM_NAME: name, UPSTREAM_CREATE_USERS: createsUsers } = settings;
  return { issuer, clientId, clientSecret, name, createsUsers };
}

/** An issuer is kept as it is written, because it is compared character by character (OpenID Connect Discovery §4.3). */
function isAddress(text: string): boolean {
  return optionalAddressSetting.safeParse(text).success;
}

function clientDocumentSettings(text: string): ClientDocumentSettings | 'off' {
  if (text === 'off') return 'off';
  return { hosts: text === 'on' ? undefined : text.split(',').map((host) => host.trim().toLowerCase()) };
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
