/** What must not reach production, said before anything is opened. */
import { SettingsError } from './settings.ts';

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
