import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Everything that is wrong with a process's settings. Names variables, never shows a value. */
export class SettingsError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`the settings are not usable:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.name = 'SettingsError';
    this.faults = faults;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadSettingsOptions {
  /** The service's name in its variables: `API1`. `API1_DATABASE_URL` wins over `DATABASE_URL`. */
  readonly prefix: string;
  /** Settings that only the service's own variable sets: `PORT` is `API1_PORT`, never `PORT`. */
  readonly own?: readonly string[];
  /** Reads the file that a `…_FILE` variable names. */
  readonly readFile?: ((path: string) => string) | undefined;
}

/**
 * Reads the variables that the schema names. Each may come with the service's prefix in front, which wins, and each as
 * `<NAME>_FILE`, the path of a file with the value (a trailing line break is not part of it). An empty variable is absent.
 * The result is frozen. Throws SettingsError with all faults at once.
 */
export function loadSettings<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  environment: Environment,
  { prefix, own = [], readFile = (path) => readFileSync(path, 'utf8') }: LoadSettingsOptions,
): Readonly<z.output<z.ZodObject<Shape>>> {
  const faults = [...faultsOfEnvironment(environment, prefix, 'NODE_ENV' in schema.shape)];
  const values: Record<string, string> = {};
  const sources: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    for (const variable of variablesOf(name, prefix, own)) {
      const found = lookUp(variable, environment, readFile);
      if (found === undefined) continue;
      sources[name] = found.source;
      if ('fault' in found) faults.push(`${found.source} ${found.fault}`);
      else values[name] = found.value;
      break;
    }
  }
  const parsed = schema.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0] ?? '');
    const source = sources[name];
    if (source !== undefined && values[name] === undefined) continue;
    faults.push(source === undefined ? `${name} is missing` : `${source}: ${issue.message}`);
  }
  if (faults.length > 0 || !parsed.success) throw new SettingsError(faults);
  return Object.freeze(parsed.data);
}

function variablesOf(name: string, prefix: string, own: readonly string[]): readonly string[] {
  if (name.startsWith(`${prefix}_`)) return [name];
  return own.includes(name) ? [`${prefix}_${name}`] : [`${prefix}_${name}`, name];
}

/** Variables of another project or of a company's network that would break a service without a word. */
function faultsOfEnvironment(environment: Environment, prefix: string, hasMode: boolean): readonly string[] {
  const { ISSUER, NODE_USE_ENV_PROXY } = environment;
  const mode = environment[`${prefix}_NODE_ENV`] || environment['NODE_ENV'];
  const noProxy = environment['NO_PROXY'] ?? environment['no_proxy'] ?? '';
  const faults: string[] = [];
  if (hasMode && !mode && ISSUER?.toLowerCase().startsWith('https:')) {
    faults.push(
      'NODE_ENV is missing: beside an https ISSUER it says production or development; else ISSUER is of another project',
    );
  }
  if (NODE_USE_ENV_PROXY === '1' && !/(^|[,\s])(\*|localhost)([,\s]|$)/.test(noProxy)) {
    faults.push(
      'NO_PROXY lacks localhost: with NODE_USE_ENV_PROXY=1 a proxy would get the calls between the services',
    );
  }
  return faults;
}

type Found = { source: string; value: string } | { source: string; fault: string };

function lookUp(
  variable: string,
  environment: Environment,
  readFile: (path: string) => string,
): Found | undefined {
  const value = environment[variable] || undefined;
  const source = `${variable}_FILE`;
  const path = environment[source] || undefined;
  if (path === undefined) return value === undefined ? undefined : { source: variable, value };
  if (value !== undefined) return { source, fault: `and ${variable} are both set` };
  try {
    const content = readFile(path).replace(/\r?\n$/, '');
    return content === '' ? { source, fault: 'names an empty file' } : { source, value: content };
  } catch {
    return { source, fault: 'names a file that cannot be read' };
  }
}

/** A TCP port; 0 lets the system choose. */
export function portSetting(fallback: number) {
  return z
    .string()
    .regex(/^\d{1,5}$/, 'is not a port number')
    .transform(Number)
    .refine((port) => port <= 65_535, 'is not a port number')
    .default(fallback);
}

const identifier = z.string().refine(isPlainUrl, 'is not an absolute http(s) URL');

/**
 * What a service is: an absolute http(s) URL without query, fragment and credentials. It stays as it is written, because
 * identifiers are compared character by character (RFC 3986 §6.2.1, OpenID Connect Discovery §4.3).
 */
export function identifierSetting(fallback: string) {
  return identifier.default(fallback);
}

const address = identifier.transform(addressOf);

/** Where a service is reached: such a URL, returned without a trailing slash. */
export function addressSetting(fallback: string) {
  return address.default(fallback);
}

/** The same, undefined when it is not set. */
export const optionalAddressSetting = address.optional();

const onOrOff = z
  .enum(['on', 'off'], { error: 'is neither "on" nor "off"' })
  .transform((text) => text === 'on');

/** `on` or `off`. */
export function switchSetting(fallback: boolean) {
  return onOrOff.default(fallback);
}

/** The same, undefined when it is not set. */
export const optionalSwitchSetting = onOrOff.optional();

export const logLevelSetting = z
  .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { error: 'is not a log level' })
  .default('info');

/** A name that is none of these (`Production`, `prod`) is a fault: it would switch off what production refuses. */
export const nodeEnvironmentSetting = z
  .enum(['production', 'development', 'test'], { error: 'is none of production, development and test' })
  .transform((name) => (name === 'production' ? 'production' : 'development'))
  .default('development');

/** `redis://…` or `rediss://…` (TLS). */
export const redisUrlSetting = z
  .string()
  .regex(/^rediss?:\/\/[^/]+/, 'is not a redis:// URL')
  .optional();

/** `postgres://…`; undefined chooses the embedded database. */
export const databaseUrlSetting = z
  .string()
  .regex(/^postgres(ql)?:\/\//, 'is not a postgres:// URL')
  .optional();

function isPlainUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  return (
    /^https?:$/.test(url.protocol) &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    url.password === ''
  );
}

/** The address that an identifier is, when no other is set: paths are put behind it. */
export function addressOf(identifier: string): string {
  return identifier.replace(/\/+$/, '');
}

const LOOPBACK = ['127.0.0.1', '::1'] as const;

/**
 * The addresses to listen on, undefined for every interface. Development has known secrets, so it is this machine's alone,
 * in both families, unless `DEV_HOST` names another.
 */
export function listenHosts(settings: {
  readonly NODE_ENV: 'production' | 'development';
  readonly DEV_HOST?: string | undefined;
}): readonly string[] | undefined {
  if (settings.NODE_ENV === 'production') return undefined;
  return settings.DEV_HOST === undefined ? LOOPBACK : [settings.DEV_HOST];
}
