import { spawn } from 'node:child_process';
import { Agent, get, type IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const fixture = fileURLToPath(new URL('./support/service.ts', import.meta.url));

const cleanUp: (() => void)[] = [];

afterEach(() => {
  for (const undo of cleanUp.splice(0)) undo();
});

function start(...parameters: string[]) {
  const child = spawn(process.execPath, [fixture, ...parameters], { stdio: 'pipe' });
  cleanUp.push(() => child.kill('SIGKILL'));
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const exit = new Promise<{ code: number | null; errors: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, errors })),
  );
  const seen: { msg: string; port?: number }[] = [];
  const waiting: (() => void)[] = [];
  createInterface(child.stdout).on('line', (line) => {
    seen.push(JSON.parse(line) as { msg: string });
    for (const check of waiting) check();
  });
  const line = (msg: string) =>
    new Promise<{ msg: string; port?: number }>((resolve) => {
      const check = () => {
        const found = seen.find((candidate) => candidate.msg.startsWith(msg));
        if (found !== undefined) resolve(found);
      };
      waiting.push(check);
      check();
    });
  return { child, exit, line, seen };
}

function fetchText(port: number, path: string, agent?: Agent, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host, port, path, agent }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.once('end', () => resolve(text));
      response.once('error', reject);
    }).once('error', reject);
  });
}

it('keeps an idle connection longer than a proxy does (nginx: 60 s)', async () => {
  const service = start();
  const { port = 0 } = await service.line('slow listens');
  const keepAlive = new Agent({ keepAlive: true });
  cleanUp.push(() => keepAlive.destroy());
  const headers = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/fast', agent: keepAlive }, (response) => {
      response.resume();
      resolve(response.headers);
    }).once('error', reject);
  });
  const [, seconds] = /timeout=(\d+)/.exec(String(headers['keep-alive'])) ?? [];
  expect(Number(seconds)).toBeGreaterThan(60);
});

describe('startService', () => {
  it('finishes what is in flight after SIGTERM, refuses what is new, closes, and exits 0', async () => {
    const service = start();
    const { port = 0 } = await service.line('slow listens');
    const keepAlive = new Agent({ keepAlive: true });
    cleanUp.push(() => keepAlive.destroy());
    expect(await fetchText(port, '/fast', keepAlive)).toBe('fast');
    const slow = fetchText(port, '/slow', keepAlive);
    await service.line('slow asked');
    service.child.kill('SIGTERM');
    await service.line('slow stops');
    await expect(fetchText(port, '/fast')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    service.child.stdin.write('answer\n');
    expect(await slow).toBe('slow');
    expect(await service.exit).toEqual({ code: 0, errors: '' });
    expect(service.seen.at(-1)).toEqual({ msg: 'closed' });
  });

  it('cuts what does not finish in time, and still closes', async () => {
    const service = start('0', '50');
    const { port = 0 } = await service.line('slow listens');
    const slow = fetchText(port, '/slow').catch((error: unknown) => error);
    await service.line('slow asked');
    service.child.kill('SIGINT');
    expect(await slow).toMatchObject({ code: 'ECONNRESET' });
    expect(await service.exit).toMatchObject({ code: 0 });
    expect(service.seen.at(-1)).toEqual({ msg: 'closed' });
  });

  it('names the port that is taken and the variable that sets it', async () => {
    const occupant = createServer();
    cleanUp.push(() => occupant.close());
    const port = await new Promise<number>((resolve) =>
      occupant.listen(0, '127.0.0.1', () => {
        const address = occupant.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      }),
    );
    expect(await start(String(port)).exit).toEqual({
      code: 1,
      errors: `slow: port ${port} is already in use. Set SLOW_PORT to another port.\n`,
    });
  });

  it('listens on one port at every given address, at no other, and leaves out one that the machine lacks', async () => {
    const service = start('0', '5000', '', '127.0.0.1,127.0.0.2,192.0.2.99');
    const { port = 0 } = await service.line('slow listens');
    expect(await fetchText(port, '/fast')).toBe('fast');
    expect(await fetchText(port, '/fast', undefined, '127.0.0.2')).toBe('fast');
    await expect(fetchText(port, '/fast', undefined, '127.0.0.3')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    service.child.kill('SIGTERM');
    expect(await service.exit).toEqual({ code: 0, errors: '' });
  });

  it('prints every fault of the settings, without a stack, and exits 1', async () => {
    expect(await start('0', '0', 'settings').exit).toEqual({
      code: 1,
      errors: 'slow: the settings are not usable:\n  SLOW_PORT: is not a port number\n  ISSUER is missing\n',
    });
  });
});
