import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePorts } from '../system/addresses.ts';
import { ROOT, startSystem, type System } from '../system/index.ts';

const CONFIGURATION = readFileSync(join(ROOT, 'deploy/nginx.conf'), 'utf8');

/** Almost the address of an endpoint that anybody may call. */
const RESPELLED = [
  '/connect/authorize/',
  '/Connect/authorize',
  '//connect/authorize',
  '/connect//authorize',
  '/connect/%61uthorize',
  '/connect/x/../authorize',
  '/./connect/authorize',
  '/connect/authorize;x',
  '/connect/authorize%20',
  '/connect/authorize%2f',
  '/CONNECT/par',
  '/connect/par/',
  '/connect/p%61r',
  '/INTERACTION/x',
  '/interaction%2fx',
];

/** To the STS these name a sign-in that does not exist, to nginx they are `/connect/authorize/`. */
const DOTS = ['/connect/authorize/.', '/connect/authorize/%2e'];

const LIMITED = ['/connect/authorize', '/connect/authorize?client_id=x', '/connect/par', '/interaction/x'];

test('the proxy’s limit and the services have one notion of an address', () => {
  const [respelled = '', spelled = ''] =
    /map "\$server_port \$uri \$request_uri"[^}]*"~(.+)" 0;\s+"~(.+)" 1;/.exec(CONFIGURATION)?.slice(1) ?? [];
  const isRespelled = (uri: string, asSent: string) => {
    const text = `4000 ${uri} ${asSent}`;
    return !new RegExp(respelled).test(text) && new RegExp(spelled).test(text);
  };
  for (const address of LIMITED) expect(isRespelled(address.split('?')[0] ?? '', address)).toBe(false);
  for (const asSent of ['//connect/par', '/connect/p%61r', '/connect/./par', '/connect/par%20']) {
    expect(isRespelled('/connect/par', asSent)).toBe(true);
  }
  const limited = /~\^4000\/\(.*(?= \$binary)/.exec(CONFIGURATION)?.[0].slice(1) ?? 'none';
  for (const address of LIMITED) expect(`4000${address.split('?')[0]}`).toMatch(new RegExp(limited));
});

test('the proxy leaves a replica out for 2 s, and waits for one longer than any service works on a request', () => {
  const upstreams = CONFIGURATION.match(/^ +upstream .*$/gm) ?? [];
  expect(upstreams).toHaveLength(5);
  for (const upstream of upstreams) expect(upstream).toContain('resolve fail_timeout=2s;');
  expect(upstreams[0]).toContain('least_conn;');
  const milliseconds = (file: string, expression: RegExp) =>
    Number(expression.exec(readFileSync(join(ROOT, file), 'utf8'))?.[1]?.replace('_', ''));
  const database = milliseconds('packages/database/src/postgres.ts', /statementTimeoutMs \?\? (\d+)/);
  const wait = milliseconds('packages/database/src/postgres.ts', /waitTimeoutMs \?\? (\d+)/);
  const call = milliseconds('packages/service/src/upstream.ts', /timeoutMs = ([\d_]+)/);
  const exchange = milliseconds('packages/auth/src/outgoing.ts', /timeoutMs = ([\d_]+)/);
  const patience = 1000 * Number(/proxy_read_timeout (\d+)s;/.exec(CONFIGURATION)?.[1]);
  expect(patience).toBeGreaterThan(Math.max(database + wait, call + exchange));
});

const nginx = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  .map((folder) => join(folder, 'nginx'))
  .find(existsSync);

describe.skipIf(nginx === undefined)('nginx in front of an STS (needs nginx on this machine)', () => {
  let system: System;
  let proxy: ChildProcess;
  let folder: string;
  let port: number;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'behalf-nginx-'));
    [system, [port = 0]] = await Promise.all([startSystem({ services: ['sts'] }), freePorts(1)]);
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, forThisMachine(folder, port, new URL(system.url.sts).port));
    execFileSync(nginx ?? '', ['-t', '-q', '-c', file], { stdio: 'pipe' });
    proxy = spawn(nginx ?? '', ['-c', file, '-g', 'daemon off; master_process off;'], { stdio: 'ignore' });
    await vi.waitUntil(async () => (await ask(port, '/health/live').catch(() => 0)) === 200, {
      timeout: 60_000,
    });
  });

  afterAll(async () => {
    proxy.kill();
    await system.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(RESPELLED)('%s is not found, by the proxy and by the STS', async (path) => {
    expect(await ask(port, path)).toBe(404);
    expect(await ask(Number(new URL(system.url.sts).port), path)).toBe(404);
  });

  test.each(LIMITED)('%s is limited, and no spelling leads past that', async (path) => {
    await expect.poll(() => ask(port, path)).toBe(429);
    for (const other of [...RESPELLED, ...DOTS]) expect(await ask(port, other)).toBe(404);
    await expect.poll(() => ask(port, `http://localhost${path}`)).toBe(429);
  });
});

/** The shipped file with this machine's ports and folders. Debian's nginx has no `resolve`. */
function forThisMachine(temporary: string, port: number, upstream: string): string {
  return CONFIGURATION.replaceAll(/^ +(listen|include) (?!4000).*\n/gm, '')
    .replaceAll(/^ +upstream (api1|api2|agent|web) .*\n/gm, '')
    .replace('listen 4000;', `listen 127.0.0.1:${port};`)
    .replace('server sts:4000 resolve', `server 127.0.0.1:${upstream}`)
    .replaceAll(/\^4000|\b4000(?= sts;)/g, (text) => text.replace('4000', String(port)))
    .replaceAll('/tmp/', `${temporary}/`)
    .replaceAll(/\/dev\/std(out|err)/g, join(temporary, 'log'));
}

/** The status for a request target as it is written. */
function ask(port: number, target: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.on('close', () => resolve(Number(answer.split(' ')[1]))).on('error', reject);
    // Not ended: nginx drops a request whose sender has gone.
    socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  });
}
