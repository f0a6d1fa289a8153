import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, isTaken, ROOT } from '@behalf/scripts/system';
import { SERVICES, variablesOf } from '@behalf/service/services';
import { expect, test } from '@playwright/test';
import { decodeJwt } from 'jose';
import { signIn } from '../support/person.ts';

const VARIABLES = SERVICES.map((service) => variablesOf(service).port);
const WEB = SERVICES.findIndex(({ name }) => name === 'web');

test.describe('the dev command', () => {
  let dataDirectory: string;
  test.beforeEach(() => {
    dataDirectory = mkdtempSync(join(tmpdir(), 'behalf-dev-'));
  });
  test.afterEach(() => rmSync(dataDirectory, { recursive: true, force: true }));

  test('names a taken port and its variable, and starts nothing', async () => {
    const ports = await freePorts(VARIABLES.length);
    const stranger = createServer().listen(ports[2], '127.0.0.1');
    await new Promise((resolve) => stranger.once('listening', resolve));
    const command = run(ports, dataDirectory);
    expect(await command.exited).toBe(1);
    expect(command.output()).toContain(`Port ${ports[2]} (api2) is already in use`);
    expect(command.output()).toContain('API2_PORT');
    expect(command.output()).not.toContain('Starting');
    stranger.close();
  });

  test('names a variable of another project, and starts and writes nothing', async () => {
    const ports = await freePorts(VARIABLES.length);
    const command = run(ports, dataDirectory, { ISSUER: 'https://login.example' });
    expect(await command.exited).toBe(1);
    expect(command.output()).toContain('ISSUER is of another project');
    expect(command.output()).toContain('Nothing was started or written');
    expect(readdirSync(dataDirectory)).toEqual([]);
  });

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    test(`says when all is ready, and after ${signal} leaves no process and no port`, async () => {
      const ports = await freePorts(VARIABLES.length);
      const command = run(ports, dataDirectory);
      await expect.poll(command.output).toContain('Behalf is ready');
      const children = childrenOf(command.pid);
      expect(children).toHaveLength(VARIABLES.length);
      for (const port of ports) expect(command.output()).toContain(`http://localhost:${port}`);
      command.signal(signal);
      expect(await command.exited).toBe(0);
      await expectNothingLeft(children, ports);
    });
  }

  test('what it starts listens on this machine alone, in both families of addresses', async () => {
    const ports = await freePorts(VARIABLES.length);
    const command = run(ports, dataDirectory);
    await expect.poll(command.output).toContain('Behalf is ready');
    const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all);
    const loopback = ['127.0.0.1', '::1'].filter((one) => addresses.some(({ address }) => address === one));
    // A server on every interface answers at 127.0.0.2 as well.
    const elsewhere = [
      '127.0.0.2',
      ...addresses.filter(({ internal }) => !internal).map(({ address }) => address),
    ];
    for (const port of ports) {
      for (const host of loopback) expect(await answers(host, port), `${host} ${port}`).toBe(true);
      for (const host of elsewhere) expect(await answers(host, port), `${host} ${port}`).toBe(false);
    }
    command.signal('SIGINT');
    expect(await command.exited).toBe(0);
  });

  test('a person can sign in to what it has started, and get a token for curl', async ({ browser }) => {
    const ports = await freePorts(VARIABLES.length);
    const command = run(ports, dataDirectory);
    await expect.poll(command.output).toContain('Behalf is ready');
    const page = await browser.newPage({ baseURL: `http://localhost:${ports[WEB]}` });
    await signIn(page, 'alice');
    await page.close();
    const token = run(ports, dataDirectory, {}, [process.execPath, ['scripts/run.mjs', 'token', 'alice']]);
    expect(await token.exited).toBe(0);
    expect(decodeJwt(token.output().trim()).aud).toBe(`http://localhost:${ports[1]}`);
    command.signal('SIGINT');
    expect(await command.exited).toBe(0);
  });

  test('killed outright, it leaves no process and no port either', async () => {
    const ports = await freePorts(VARIABLES.length);
    const command = run(ports, dataDirectory);
    await expect.poll(command.output).toContain('Behalf is ready');
    const children = childrenOf(command.pid);
    command.signal('SIGKILL');
    await command.exited;
    await expectNothingLeft(children, ports);
  });

  test('stops when only the pnpm that started it is ended', async () => {
    const ports = await freePorts(VARIABLES.length);
    const command = run(ports, dataDirectory, {}, ['pnpm', ['dev']]);
    await expect.poll(command.output).toContain('Behalf is ready');
    command.signal('SIGKILL');
    await command.exited;
    await expectNothingLeft([], ports);
  });

  test('starts a service again that has ended by itself, and says so', async () => {
    const ports = await freePorts(VARIABLES.length);
    const command = run(ports, dataDirectory);
    await expect.poll(command.output).toContain('Behalf is ready');
    const api2 =
      childrenOf(command.pid).find((pid) => readlinkSync(`/proc/${pid}/cwd`).endsWith('api2')) ?? 0;
    process.kill(api2, 'SIGKILL');
    await expect.poll(command.output).toContain('api2 ended (SIGKILL); starting it again');
    const ready = `http://localhost:${ports[2]}/health/ready`;
    await expect
      .poll(() =>
        fetch(ready).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
    command.signal('SIGINT');
    expect(await command.exited).toBe(0);
  });
});

function run(
  ports: readonly number[],
  dataDirectory: string,
  environment: Readonly<Record<string, string>> = {},
  [program, arguments_]: readonly [string, readonly string[]] = [
    process.execPath,
    ['scripts/run.mjs', 'dev'],
  ],
) {
  const child: ChildProcess = spawn(program, arguments_, {
    cwd: ROOT,
    env: {
      ...process.env,
      ...Object.fromEntries(VARIABLES.map((name, index) => [name, String(ports[index])])),
      DATA_DIR: dataDirectory,
      WATCH: 'off',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  return {
    pid: child.pid ?? 0,
    output: () => output,
    exited: new Promise<number | null>((resolve) => child.once('exit', resolve)),
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
  };
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => resolve(true)).on('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(/\s+/)
    .filter(Boolean)
    .map(Number);
}

async function expectNothingLeft(pids: readonly number[], ports: readonly number[]): Promise<void> {
  await expect.poll(async () => (await Promise.all(ports.map(isTaken))).some(Boolean)).toBe(false);
  await expect.poll(() => pids.filter(isRunning)).toEqual([]);
}

function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
