/**
 * The services of the system, each in one entry. The runner, the watcher, the printer, the flows, the browser tests and the
 * client's labels read this list. It imports nothing, so a browser can read it as well.
 */

export interface Service {
  readonly name: string;
  /** As people call it. */
  readonly label: string;
  /** `issuer`: its identifier is `ISSUER`. `api`: its identifier is `<NAME>_RESOURCE`. `page`: it has none. */
  readonly kind: 'issuer' | 'api' | 'page';
  /** In development, while `<NAME>_PORT` is not set. */
  readonly port: number;
  /** A path that shows something in a browser; all else of an API wants a token. */
  readonly opens: string;
}

const METADATA = '/.well-known/oauth-protected-resource';

export const SERVICES = [
  { name: 'sts', label: 'STS', kind: 'issuer', port: 4000, opens: '/.well-known/openid-configuration' },
  { name: 'api1', label: 'API1', kind: 'api', port: 4001, opens: METADATA },
  { name: 'api2', label: 'API2', kind: 'api', port: 4002, opens: METADATA },
  { name: 'subscriptions', label: 'Subscriptions', kind: 'api', port: 4003, opens: METADATA },
  { name: 'agent', label: 'Agent', kind: 'api', port: 4004, opens: METADATA },
  { name: 'web', label: 'Web', kind: 'page', port: 5173, opens: '/' },
] as const satisfies readonly Service[];

export type ServiceName = (typeof SERVICES)[number]['name'];

/** Every service but the pages: those that a request can be sent to on a user's behalf. */
export const BACK_ENDS = SERVICES.filter((service) => service.kind !== 'page');

export interface ServiceVariables {
  readonly port: string;
  /** Where it is reached. */
  readonly url: string;
  /** The name that tokens use for it; undefined for a page. */
  readonly identifier: string | undefined;
}

/** The environment variables of a service, which follow from its name. */
export function variablesOf({ name, kind }: Pick<Service, 'name' | 'kind'>): ServiceVariables {
  const prefix = name.toUpperCase();
  const identifiers = { issuer: 'ISSUER', api: `${prefix}_RESOURCE`, page: undefined };
  return { port: `${prefix}_PORT`, url: `${prefix}_URL`, identifier: identifiers[kind] };
}

/** The client that a service is at the authorization server. */
export function clientIdOf({ name }: Pick<Service, 'name'>): string {
  return `${name}.client`;
}
