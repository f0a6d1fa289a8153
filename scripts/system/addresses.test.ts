import { describe, expect, it } from 'vitest';
import { PortSettingError, systemEnvironment, systemParts } from './addresses.ts';

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

  it('keeps what was given, an identifier apart from its port too', () => {
    const environment = systemEnvironment(
      { API1_PORT: '1', API1_RESOURCE: 'https://api.example', X: 'y' },
      '/data',
    );
    expect(environment).toMatchObject({
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

describe('systemParts', () => {
  it.each(['abc', '0', '65536', '-1', '1.5'])('refuses the port %s and names its variable', (port) => {
    expect(() => systemParts({ API2_PORT: port })).toThrow(PortSettingError);
    expect(() => systemParts({ API2_PORT: port })).toThrow('API2_PORT');
  });

  it('refuses one port for two parts and names both variables', () => {
    expect(() => systemParts({ API1_PORT: '5173' })).toThrow('API1_PORT and WEB_PORT are both 5173');
  });
});
