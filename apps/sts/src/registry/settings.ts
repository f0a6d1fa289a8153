/** Where the parts of the registry are: identifiers (what a service is) and addresses (where it is reached). */
export interface RegistrySettings {
  /** `ISSUER`: the STS as an audience, too. */
  readonly issuer: string;
  /** `API1_RESOURCE`, `API2_RESOURCE`, `SUBSCRIPTIONS_RESOURCE`: resource identifiers (RFC 8707). */
  readonly api1Resource: string;
  readonly api2Resource: string;
  readonly subscriptionsResource: string;
  /** `API1_URL`, `API2_URL`, `WEB_URL`: addresses, without a trailing slash. */
  readonly api1Url: string;
  readonly api2Url: string;
  readonly webUrl: string;
}

export const DEVELOPMENT_SETTINGS: RegistrySettings = {
  issuer: 'http://localhost:4000',
  api1Resource: 'http://localhost:4001',
  api2Resource: 'http://localhost:4002',
  subscriptionsResource: 'http://localhost:4003',
  api1Url: 'http://localhost:4001',
  api2Url: 'http://localhost:4002',
  webUrl: 'http://localhost:5173',
};
