export type Environment = Readonly<Record<string, string | undefined>>;

export type PartName = 'sts' | 'api1' | 'api2' | 'subscriptions' | 'web';

export interface Part {
  readonly name: PartName;
  /** The variable that moves it. */
  readonly portVariable: string;
  readonly port: number;
  /** Where it is reached from this machine, whatever its public address is. */
  readonly address: string;
  /** Answers 200 once the part can do its work. */
  readonly readyUrl: string;
}

const DEFAULT_PORTS: Readonly<Record<PartName, number>> = {
  sts: 4000,
  api1: 4001,
  api2: 4002,
  subscriptions: 4003,
  web: 5173,
};

/** The ports cannot be used as they are set. The message names the variables. */
export class PortSettingError extends Error {
  override readonly name = 'PortSettingError';
}

/** The five parts with their ports (`STS_PORT`, `API1_PORT`, …). Throws PortSettingError. */
export function systemParts(environment: Environment): readonly Part[] {
  const parts = Object.entries(DEFAULT_PORTS).map(([name, fallback]) =>
    part(name as PartName, fallback, environment),
  );
  for (const [index, one] of parts.entries()) {
    const other = parts.slice(index + 1).find(({ port }) => port === one.port);
    if (other !== undefined) {
      throw new PortSettingError(
        `${one.portVariable} and ${other.portVariable} are both ${one.port}: each part needs a port of its own.`,
      );
    }
  }
  return parts;
}

/**
 * The environment for every process of the system: what was given, and every port, identifier and address that was
 * not. Identifiers and addresses follow the ports, so moving a port is one variable.
 */
export function systemEnvironment(environment: Environment, dataDirectory: string): Record<string, string> {
  const at = Object.fromEntries(systemParts(environment).map(({ name, address }) => [name, address]));
  const derived: Record<string, string | undefined> = {
    ...Object.fromEntries(
      systemParts(environment).map(({ portVariable, port }) => [portVariable, String(port)]),
    ),
    ISSUER: at['sts'],
    STS_URL: at['sts'],
    API1_RESOURCE: at['api1'],
    API1_URL: at['api1'],
    API2_RESOURCE: at['api2'],
    API2_URL: at['api2'],
    SUBSCRIPTIONS_RESOURCE: at['subscriptions'],
    SUBSCRIPTIONS_URL: at['subscriptions'],
    WEB_URL: at['web'],
    DATA_DIR: dataDirectory,
  };
  const given = Object.entries(environment).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(
    Object.entries({ ...derived, ...Object.fromEntries(given) }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
}

function part(name: PartName, fallback: number, environment: Environment): Part {
  const portVariable = `${name.toUpperCase()}_PORT`;
  const text = environment[portVariable] || String(fallback);
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw new PortSettingError(`${portVariable} is not a port number (1 to 65535).`);
  }
  const address = `http://localhost:${port}`;
  return {
    name,
    portVariable,
    port,
    address,
    readyUrl: name === 'web' ? `${address}/` : `${address}/health/ready`,
  };
}
