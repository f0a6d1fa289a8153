/** The settings that production refuses, before anything is opened. */

import { isLoopbackUrl, isPlainHttpElsewhere } from '@behalf/auth';
import { SettingsError } from './settings.ts';

/** Throws SettingsError with every text that is true. Each names the variable that mends it. Development allows all. */
export function refuseInProduction(
  nodeEnvironment: 'production' | 'development',
  checks: Readonly<Record<string, boolean>>,
): void {
  const faults = Object.entries(checks).flatMap(([fault, isUnsafe]) => (isUnsafe ? [fault] : []));
  if (nodeEnvironment === 'production' && faults.length > 0) throw new SettingsError(faults);
}

/** The value of every secret in development. */
export const DEVELOPMENT_SECRET = 'secret';

const IDENTIFIER = /^ISSUER$|_RESOURCE$|^WEB_URL$/;

/**
 * One rule for every setting of a kind, for `refuseInProduction`. The kind follows from the variable's name:
 * - identifiers (`ISSUER`, `…_RESOURCE`, `WEB_URL`, and the names in `publicUrls`) are https; `ALLOW_INSECURE_HTTP=on`
 *   permits http on localhost (RFC 9700 §2.6);
 * - addresses (`…_URL`) are https or on this machine; `ALLOW_INSECURE_HTTP=on` permits http inside a network that encrypts;
 * - `DATABASE_URL` says `sslmode`, unless the database is on this machine; the same switch permits none;
 * - secrets (`…_SECRET`) are generated, and no two are equal;
 * - certificates are checked (RFC 6750 §5.3), and experiments want a second, explicit setting.
 */
export function unsafeSettings(
  settings: Readonly<Record<string, unknown>>,
  publicUrls: readonly string[] = [],
): Readonly<Record<string, boolean>> {
  const isHttpAllowed = settings['ALLOW_INSECURE_HTTP'] === true;
  const faults: Record<string, boolean> = {
    'NODE_TLS_REJECT_UNAUTHORIZED=0 lets anybody pass for any service':
      settings['NODE_TLS_REJECT_UNAUTHORIZED'] === '0',
    'EXPERIMENTS is on (EXPERIMENTS_IN_PRODUCTION=on permits that)':
      settings['EXPERIMENTS'] === true && settings['EXPERIMENTS_IN_PRODUCTION'] !== true,
  };
  const secrets = new Set<string>();
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value !== 'string') continue;
    if (IDENTIFIER.test(name) || publicUrls.includes(name)) {
      faults[`${name} is not https (ALLOW_INSECURE_HTTP=on permits that on localhost)`] =
        new URL(value).protocol === 'http:' && !(isHttpAllowed && isLoopbackUrl(value));
    } else if (name.endsWith('DATABASE_URL')) {
      faults[`${name} has no sslmode that checks the server (ALLOW_INSECURE_HTTP=on permits that)`] =
        !isHttpAllowed && isUnencryptedDatabase(value);
    } else if (name === 'REDIS_URL') {
      faults['REDIS_URL is not rediss: to another machine (ALLOW_INSECURE_HTTP=on permits that)'] =
        !isHttpAllowed && value.startsWith('redis:') && !isLoopbackUrl(value);
    } else if (name.endsWith('_URL')) {
      faults[`${name} is plain http to another machine (ALLOW_INSECURE_HTTP=on permits that)`] =
        !isHttpAllowed && isPlainHttpElsewhere(value);
    } else if (name.endsWith('_SECRET')) {
      faults[`${name} is the development secret`] = value === DEVELOPMENT_SECRET;
      faults[`${name} can be guessed: it wants ${MINIMUM_SECRET_LENGTH} random characters or more`] =
        value !== DEVELOPMENT_SECRET && isWeakSecret(value);
      faults[`${name} is another client's secret, too`] = value !== DEVELOPMENT_SECRET && secrets.has(value);
      secrets.add(value);
    }
  }
  return faults;
}

const MINIMUM_SECRET_LENGTH = 16;

const MINIMUM_DIFFERENT_CHARACTERS = 6;

/** Whether a secret is certainly not generated: too short, or a few characters again and again. */
export function isWeakSecret(secret: string): boolean {
  return secret.length < MINIMUM_SECRET_LENGTH || new Set(secret).size < MINIMUM_DIFFERENT_CHARACTERS;
}

/** pg encrypts only when `sslmode` says so, and `no-verify` takes any server for the database. */
function isUnencryptedDatabase(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname, searchParams } = new URL(url);
  const host = searchParams.get('host') ?? hostname;
  if (host === '' || host.startsWith('/') || isLoopbackUrl(`http://${host}`)) return false;
  return !/^(prefer|require|verify-ca|verify-full)$/.test(searchParams.get('sslmode') ?? '');
}
