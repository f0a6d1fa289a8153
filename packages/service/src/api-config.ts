import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { DEVELOPMENT_SECRET, refuseInProduction, unsafeSettings } from './production.ts';
import {
  addressOf,
  databaseUrlSetting,
  type Environment,
  identifierSetting,
  listenHosts,
  loadSettings,
  logLevelSetting,
  nodeEnvironmentSetting,
  optionalAddressSetting,
  optionalSwitchSetting,
  portSetting,
  redisUrlSetting,
  SettingsError,
  switchSetting,
} from './settings.ts';

const WORKSPACE = fileURLToPath(new URL('../../..', import.meta.url));

/** The settings that every service has, whatever its name. */
export const commonSettings = {
  NODE_ENV: nodeEnvironmentSetting,
  LOG_LEVEL: logLevelSetting,
  /** The STS's identifier. */
  ISSUER: identifierSetting('http://localhost:4000'),
  /** The address that a service listens on in development. Default: this machine alone. */
  DEV_HOST: z.string().optional(),
  /** Plain http: on localhost, and inside a network that encrypts. */
  ALLOW_INSECURE_HTTP: switchSetting(false),
  /** Node's own: `0` switches the checks of certificates off. */
  NODE_TLS_REJECT_UNAUTHORIZED: z.string().optional(),
  DATABASE_URL: databaseUrlSetting,
  /** Folder of the SQLite file, while there is no DATABASE_URL. A relative path starts at the workspace. */
  DATA_DIR: z
    .string()
    .default('.data')
    .transform((folder) => resolve(WORKSPACE, folder)),
  /** Data of the development users. Default: in development alone. */
  DEMO_DATA: optionalSwitchSetting,
  /** Routes that break a rule on purpose. Default: in development alone. */
  EXPERIMENTS: optionalSwitchSetting,
  EXPERIMENTS_IN_PRODUCTION: switchSetting(false),
};

/** The settings of every service that are unusable, or are those of another project, in a sentence each. */
export function commonFaults(environment: Environment): readonly string[] {
  try {
    loadSettings(z.object(commonSettings), environment, { prefix: 'ALL' });
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
}

/** Settings under the service's own name alone: `API1_PORT`. */
const ownSettings = (service: string, port: number) => ({
  PORT: portSetting(port),
  RESOURCE: identifierSetting(`http://localhost:${port}`),
  CLIENT_ID: z.string().default(`${service}.client`),
  CLIENT_SECRET: z.string().default(DEVELOPMENT_SECRET),
});

type ApiSettings = z.output<z.ZodObject<typeof commonSettings & ReturnType<typeof ownSettings>>> & {
  readonly STS_URL?: string;
  readonly REDIS_URL?: string;
};

export interface ApiDescription<Called extends string, Shape extends z.ZodRawShape> {
  /** Its short name. Its variables follow from it: `API1_PORT`, `API1_RESOURCE`, … */
  readonly service: string;
  /** In development. */
  readonly port: number;
  /** Whether it is a client of the STS (`API1_CLIENT_ID`, `API1_CLIENT_SECRET`). */
  readonly isClient: boolean;
  /** The APIs that it calls, by short name, with their port in development: `API2_RESOURCE`, `API2_URL`. */
  readonly calls: Readonly<Record<Called, number>>;
  /** Settings that only this service has, by the variable's whole name. */
  readonly settings: Shape;
}

/**
 * The configuration of an API, frozen. `ISSUER` and `…_RESOURCE` are identifiers, which tokens contain; `…_URL` is the
 * address where a service is reached, when that differs. Throws SettingsError with all faults at once; in production every
 * unsafe setting is one.
 */
export function loadApiConfig<Called extends string, Shape extends z.ZodRawShape>(
  description: ApiDescription<Called, Shape>,
  environment: Environment,
  readFile?: (path: string) => string,
) {
  const { service, port, calls } = description;
  const prefix = service.toUpperCase();
  const own = ownSettings(service, port);
  const called = Object.keys(calls) as Called[];
  const settings = loadSettings(
    z.object({
      ...commonSettings,
      ...own,
      STS_URL: optionalAddressSetting,
      REDIS_URL: redisUrlSetting,
      ...Object.fromEntries(called.flatMap((name) => addressSettings(name, calls[name]))),
      ...description.settings,
    }),
    environment,
    { prefix, own: Object.keys(own), readFile },
  ) as unknown as ApiSettings & Readonly<Record<string, unknown>> & z.output<z.ZodObject<Shape>>;

  const { CLIENT_SECRET: secret, ...others } = settings;
  refuseInProduction(
    settings.NODE_ENV,
    unsafeSettings(
      Object.fromEntries(
        Object.entries(description.isClient ? settings : others).map(([name, value]) => [
          name in own ? `${prefix}_${name}` : name,
          value,
        ]),
      ),
    ),
  );
  const isDevelopment = settings.NODE_ENV === 'development';
  return Object.freeze({
    service,
    logLevel: settings.LOG_LEVEL,
    port: settings.PORT,
    hosts: listenHosts(settings),
    resource: settings.RESOURCE,
    sts: {
      issuer: settings.ISSUER,
      address: settings.STS_URL ?? addressOf(settings.ISSUER),
      allowInsecureHttp: settings.ALLOW_INSECURE_HTTP,
    },
    client: { clientId: settings.CLIENT_ID, clientSecret: secret },
    /** The APIs that it calls: identifier and address. */
    apis: Object.fromEntries(
      called.map((name) => {
        const resource = settings[`${name.toUpperCase()}_RESOURCE`] as string;
        return [name, { resource, url: settings[`${name.toUpperCase()}_URL`] ?? addressOf(resource) }];
      }),
    ) as Readonly<Record<Called, { readonly resource: string; readonly url: string }>>,
    database: { url: settings.DATABASE_URL, file: join(settings.DATA_DIR, `${service}.db`), schema: service },
    /** What replicas share; undefined: nothing. */
    redisUrl: settings.REDIS_URL,
    experiments: settings.EXPERIMENTS ?? isDevelopment,
    demoData: settings.DEMO_DATA ?? isDevelopment,
    settings: settings as z.output<z.ZodObject<Shape>>,
  });
}

function addressSettings(name: string, port: number) {
  const prefix = name.toUpperCase();
  return [
    [`${prefix}_RESOURCE`, identifierSetting(`http://localhost:${port}`)],
    [`${prefix}_URL`, optionalAddressSetting],
  ] as const;
}
