import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemParts } from './addresses.ts';
import { freePorts, isTaken, takenMessage } from './ports.ts';

describe('ports', () => {
  it.each(['127.0.0.1', '0.0.0.0'])('sees a port that somebody holds on %s', async (host) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    expect(await isTaken(port)).toBe(true);
    await new Promise((resolve) => server.close(resolve));
    expect(await isTaken(port)).toBe(false);
  });

  it('finds different free ports', async () => {
    const ports = await freePorts(5);
    expect(new Set(ports).size).toBe(5);
  });

  it('tells the port, the part, the variable and an example', () => {
    const message = takenMessage(systemParts({}).filter(({ name }) => name === 'api1'));
    expect(message).toContain('Port 4001 (api1) is already in use');
    expect(message).toContain('API1_PORT=4101 pnpm dev');
  });
});
