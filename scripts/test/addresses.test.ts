import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  freePorts,
  isTaken,
  localServices,
  PortSettingError,
  systemEnvironment,
  takenPortsMessage,
} from '../system/addresses.ts';

describe('systemEnvironment', () => {
  it('moves identifiers and addresses along with a port', () => {
    expect(systemEnvironment({ STS_PORT: '4100' }, '/data')).toMatchObject({
      STS_PORT: '4100',
      ISSUER: 'http://localhost:4100',
      STS_URL: 'http://localhost:4100',
      API1_RESOURCE: 'http://localhost:4001',
      WEB_URL: 'http://localhost:5173',
      DATA_DIR: '/data',
    });
  });

  it('keeps a given variable, an identifier apart from its port too', () => {
    const given = { API1_PORT: '1', API1_RESOURCE: 'https://api.example', X: 'y' };
    expect(systemEnvironment(given, '/data')).toMatchObject({
      API1_RESOURCE: 'https://api.example',
      API1_URL: 'http://localhost:1',
      X: 'y',
    });
  });

  it('takes an empty variable as absent', () => {
    expect(systemEnvironment({ ISSUER: '', STS_PORT: '' }, '/data')).toMatchObject({
      ISSUER: 'http://localhost:4000',
      STS_PORT: '4000',
    });
  });
});

describe('localServices', () => {
  it.each(['abc', '0', '65536', '-1', '1.5'])('refuses the port %s and names its variable', (port) => {
    expect(() => localServices({ API2_PORT: port })).toThrow(PortSettingError);
    expect(() => localServices({ API2_PORT: port })).toThrow('API2_PORT');
  });

  it('refuses one port for two services and names both variables', () => {
    expect(() => localServices({ API1_PORT: '5173' })).toThrow('API1_PORT and WEB_PORT are both 5173');
  });
});

describe('ports', () => {
  it.each(['127.0.0.1', '0.0.0.0'])(
    'taken on %s are named with the service and the variable that moves it',
    async (host) => {
      const [port = 0, ...others] = await freePorts(5);
      const ports = ['API1', 'STS', 'API2', 'SUBSCRIPTIONS', 'WEB'].map((name, index) => [
        `${name}_PORT`,
        String([port, ...others][index]),
      ]);
      const services = localServices(Object.fromEntries(ports) as Record<string, string>);
      expect(await takenPortsMessage(services)).toBeUndefined();
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(port, host, resolve));
      const message = await takenPortsMessage(services);
      expect(message).toContain(`Port ${port} (api1) is already in use`);
      expect(message).toContain(`API1_PORT=${port + 100} pnpm dev`);
      await new Promise((resolve) => server.close(resolve));
      expect(await isTaken(port)).toBe(false);
    },
  );

  it('that are free differ from each other', async () => {
    expect(new Set(await freePorts(5)).size).toBe(5);
  });
});
