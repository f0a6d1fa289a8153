/** Ports, addresses and identifiers of the services: read from the environment, completed, and looked for on this machine. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { SERVICES, variablesOf, type Service, type ServiceName } from '@behalf/service/services';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface LocalService extends Service {
  readonly name: ServiceName;
  readonly portVariable: string;
  /** Where it is reached from this machine, whatever its public address is. */
  readonly address: string;
  /** Answers 200 once the service can do its work. */
  readonly readyUrl: string;
}

/** The ports cannot be used as they are set. The message names the variables. */
export class PortSettingError extends Error {
  override readonly name = 'PortSettingError';
}

/** The services with the ports that the environment gives them. Throws PortSettingError. */
export function localServices(environment: Environment): readonly LocalService[] {
  const services = SERVICES.map((service) => {
    const portVariable = variablesOf(service).port;
    const port = parsePort(portVariable, environment[portVariable] || String(service.port));
    const address = `http://localhost:${port}`;
    const readyUrl = address + (service.kind === 'page' ? service.opens : '/health/ready');
    return { ...service, portVariable, port, address, readyUrl };
  });
  for (const [index, one] of services.entries()) {
    const other = services.slice(index + 1).find(({ port }) => port === one.port);
    if (other === undefined) continue;
    throw new PortSettingError(
      `${one.portVariable} and ${other.portVariable} are both ${one.port}: each service needs a port of its own.`,
    );
  }
  return services;
}

function parsePort(variable: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new PortSettingError(`${variable} is not a port number (1 to 65535).`);
}

/**
 * The environment for every process of the system: all that is given, and every port, identifier and address that is
 * not. Identifiers and addresses follow the ports, so moving a service takes one variable. An empty variable is absent.
 */
export function systemEnvironment(environment: Environment, dataDirectory: string): Record<string, string> {
  const complete: Record<string, string> = { DATA_DIR: dataDirectory };
  for (const service of localServices(environment)) {
    const { port, url, identifier } = variablesOf(service);
    complete[port] = String(service.port);
    complete[url] = service.address;
    if (identifier !== undefined) complete[identifier] = service.address;
  }
  for (const [name, value] of Object.entries(environment)) if (value) complete[name] = value;
  return complete;
}

/** The message for a person whose ports are taken by other programs; undefined when none is. */
export async function takenPortsMessage(services: readonly LocalService[]): Promise<string | undefined> {
  const states = await Promise.all(services.map(({ port }) => isTaken(port)));
  const taken = services.filter((_service, index) => states[index]);
  if (taken.length === 0) return undefined;
  const lines = taken.map(
    ({ name, port, portVariable }) =>
      `Port ${port} (${name}) is already in use. Stop the program that uses it, or set ${portVariable} to another port.`,
  );
  const moved = taken.map(({ port, portVariable }) => `${portVariable}=${port + 100}`);
  return `${lines.join('\n')}\nFor example: ${moved.join(' ')} pnpm dev`;
}

/** Whether a program listens on this port, on any address that `localhost` may mean. */
export async function isTaken(port: number): Promise<boolean> {
  for (const host of ['::', '0.0.0.0', '127.0.0.1', '::1']) {
    const server = createServer();
    try {
      await once(server.listen({ port, host, exclusive: true }), 'listening');
      await new Promise((resolve) => server.close(resolve));
    } catch (error) {
      // Any other failure is an address that this machine does not have.
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return true;
    }
  }
  return false;
}

/** As many different free ports, held together while they are chosen. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(
      servers.map(async (server) => {
        await once(server.listen(0), 'listening');
        const address = server.address();
        if (address === null || typeof address === 'string') throw new Error('no free port');
        return address.port;
      }),
    );
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
