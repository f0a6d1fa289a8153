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
  /** Reads the file that a `…_FILE` variable names. */
  readonly readFile?: (path: string) => string;
}

/**
 * Reads the variables that the schema names. Each may come with the service's prefix in front, which wins, and each as
 * `<NAME>_FILE`, the path of a file with the value (a trailing line break is not part of it). An empty variable is absent.
 * The result is frozen. Throws SettingsError with all faults at once.
 */
export function loadSettings<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  environment: Environment,
  { prefix, readFile = (path) => readFileSync(path, 'utf8') }: LoadSettingsOptions,
): Readonly<z.output<z.ZodObject<Shape>>> {
  const faults: string[] = [];
  const values: Record<string, string> = {};
  const sources: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    for (const variable of name.startsWith(`${prefix}_`) ? [name] : [`${prefix}_${name}`, name]) {
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

const url = z.string().refine(isPlainUrl, 'is not an absolute http(s) URL').transform(withoutTrailingSlash);

/** An absolute http(s) URL without query, fragment and credentials; returned without a trailing slash. */
export function urlSetting(fallback: string) {
  return url.default(fallback);
}

/** The same, undefined when it is not set. */
export const optionalUrlSetting = url.optional();

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

/** Node's own: `0` switches the checks of certificates off. */
export const certificateCheckSetting = z.string().optional();

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

function withoutTrailingSlash(value: string): string {
  return value.replace(/\/+$/, '');
}

/** What must not reach production, said before anything is opened. */

/** Throws SettingsError with everything that is true; a text names the variable that mends it. Elsewhere all is allowed. */
export function refuseInProduction(
  nodeEnvironment: 'production' | 'development',
  checks: Readonly<Record<string, boolean>>,
): void {
  const faults = Object.entries(checks).flatMap(([fault, isUnsafe]) => (isUnsafe ? [fault] : []));
  if (nodeEnvironment === 'production' && faults.length > 0) throw new SettingsError(faults);
}

/**
 * The issuer over plain HTTP: permitted on this very machine alone, and only when it is said. And certificates that nobody
 * checks (RFC 6750 §5.3): never.
 */
export function insecureTransport(settings: {
  readonly ISSUER: string;
  readonly ALLOW_INSECURE_HTTP: boolean;
  readonly NODE_TLS_REJECT_UNAUTHORIZED?: string | undefined;
}): Readonly<Record<string, boolean>> {
  const isPermitted = settings.ALLOW_INSECURE_HTTP && isLoopbackUrl(settings.ISSUER);
  return {
    'ISSUER is not https (ALLOW_INSECURE_HTTP=on permits that on localhost)':
      new URL(settings.ISSUER).protocol === 'http:' && !isPermitted,
    'NODE_TLS_REJECT_UNAUTHORIZED=0 lets anybody pass for any service':
      settings.NODE_TLS_REJECT_UNAUTHORIZED === '0',
  };
}

/**
 * Whether a URL is plain http to another machine. No authorization answer may go there (RFC 9700 §2.6); what stays on this
 * machine crosses no network (RFC 8252 §7.3).
 */
export function isPlainHttpElsewhere(url: string): boolean {
  return new URL(url).protocol === 'http:' && !isLoopbackUrl(url);
}

/** Routes that do on purpose what one must not do: they want a second, explicit setting. */
export function unwantedExperiments(settings: {
  readonly EXPERIMENTS?: boolean | undefined;
  readonly EXPERIMENTS_IN_PRODUCTION: boolean;
}): Readonly<Record<string, boolean>> {
  return {
    'EXPERIMENTS is on (EXPERIMENTS_IN_PRODUCTION=on permits that)':
      settings.EXPERIMENTS === true && !settings.EXPERIMENTS_IN_PRODUCTION,
  };
}

/** Whether a URL leads to this very machine. */
function isLoopbackUrl(value: string): boolean {
  const { hostname } = new URL(value);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}
