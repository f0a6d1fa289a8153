import { addressSetting, type Environment, loadApiConfig } from '@behalf/service';
import { z } from 'zod';

const settings = {
  /** The origin whose pages may call. */
  WEB_URL: addressSetting('http://localhost:5173'),
  /** How long an exchanged token is kept at most; 0 keeps none. */
  API1_TOKEN_CACHE_SECONDS: z
    .string()
    .regex(/^\d{1,3}$/, 'is not a number of seconds')
    .transform(Number)
    .default(60),
};

/** The settings of this service, frozen. Throws SettingsError with all faults at once. */
export function loadConfig(environment: Environment, readFile?: (path: string) => string) {
  const config = loadApiConfig(
    { service: 'api1', port: 4001, isClient: true, calls: { api2: 4002 }, settings },
    environment,
    readFile,
  );
  return Object.freeze({
    ...config,
    webOrigin: new URL(config.settings.WEB_URL).origin,
    tokenCacheSeconds: config.settings.API1_TOKEN_CACHE_SECONDS,
  });
}
