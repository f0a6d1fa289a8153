import { type Environment, loadApiConfig, addressSetting } from '@behalf/service';

const settings = {
  /** The web client, where people pay. */
  WEB_URL: addressSetting('http://localhost:5173'),
};

/** The settings of this service, frozen. Throws SettingsError with all faults at once. */
export function loadConfig(environment: Environment, readFile?: (path: string) => string) {
  return loadApiConfig(
    { service: 'agent', port: 4004, isClient: true, calls: { api2: 4002 }, settings },
    environment,
    readFile,
  );
}
