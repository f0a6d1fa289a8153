import type { ClientConfig } from '../../src/config.ts';

/** Every service at one address, each with a name of its own. */
export function configAt(url: string): ClientConfig {
  return {
    issuer: url,
    clientId: 'web.client',
    api1Url: url,
    api1Resource: 'http://api1.example',
    api2Url: url,
    api2Resource: 'http://api2.example',
    subscriptionsResource: 'http://subscriptions.example',
    experiments: true,
  };
}
