import { type Environment, loadApiConfig } from '@behalf/service';

/** The settings of this service, frozen. Throws SettingsError with all faults at once. */
export function loadConfig(environment: Environment, readFile?: (path: string) => string) {
  return loadApiConfig(
    { service: 'subscriptions', port: 4003, isClient: false, calls: {}, settings: {} },
    environment,
    readFile,
  );
}
