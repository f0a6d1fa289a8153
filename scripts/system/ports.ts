import { createServer } from 'node:net';
import type { Part } from './addresses.ts';

/** The parts whose port somebody else holds, on any address that `localhost` may mean. */
export async function takenParts(parts: readonly Part[]): Promise<readonly Part[]> {
  const taken = await Promise.all(parts.map(async (part) => ((await isTaken(part.port)) ? part : undefined)));
  return taken.filter((part) => part !== undefined);
}

export async function isTaken(port: number): Promise<boolean> {
  for (const host of ['::', '0.0.0.0', '127.0.0.1', '::1']) {
    if ((await tryListening(port, host)) === 'EADDRINUSE') return true;
  }
  return false;
}

/** What to tell the person whose ports are taken. */
export function takenMessage(parts: readonly Part[]): string {
  const lines = parts.map(
    ({ name, port, portVariable }) =>
      `Port ${port} (${name}) is already in use. Stop what uses it, or set ${portVariable} to another port.`,
  );
  const moved = parts.map(({ port, portVariable }) => `${portVariable}=${port + 100}`).join(' ');
  return `${lines.join('\n')}\nFor example: ${moved} pnpm dev`;
}

/** As many different free ports, held together while they are chosen. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(
      servers.map(async (server) => {
        const listening = Promise.withResolvers<void>();
        server.once('error', listening.reject).listen(0, listening.resolve);
        await listening.promise;
        const address = server.address();
        if (address === null || typeof address === 'string') throw new Error('no free port');
        return address.port;
      }),
    );
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

/** The code of the failure, if listening fails. */
async function tryListening(port: number, host: string): Promise<string | undefined> {
  const server = createServer();
  const outcome = Promise.withResolvers<string | undefined>();
  server.once('error', (error: NodeJS.ErrnoException) => outcome.resolve(error.code));
  server.listen({ port, host, exclusive: true }, () => server.close(() => outcome.resolve(undefined)));
  return outcome.promise;
}
