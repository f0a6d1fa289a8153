import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createPlainServer, type AddressInfo } from 'node:net';
import { join, matchesGlob } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { freePorts } from '../system/addresses.ts';
import { ROOT } from '../system/service-process.ts';

const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');

describe('the health check of the image', () => {
  const [, check = '[]'] = /HEALTHCHECK .*\\\n +CMD (\[.*\])/.exec(dockerfile) ?? [];
  const [program = '', ...parameters] = JSON.parse(check) as string[];
  const servers: { close(): unknown }[] = [];

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function listen(server: Server | ReturnType<typeof createPlainServer>): Promise<number> {
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return (server.address() as AddressInfo).port;
  }

  async function probe(port: number): Promise<number> {
    const child = spawn(program, parameters, {
      env: { PATH: process.env['PATH'], APP: 'api1', API1_PORT: String(port), STS_PORT: '1' },
      stdio: 'ignore',
    });
    const [code] = (await once(child, 'exit')) as [number];
    return code;
  }

  const answer =
    (status: number): RequestListener =>
    (request, response) =>
      void response.writeHead(request.url === '/health/ready' ? status : 404).end('{"status":"ready"}');

  test('starts no Node process', () => {
    expect(program).toBe('bash');
    expect(check).not.toContain('node');
  });

  test('passes when the part is ready, on the port of its own variable', async () => {
    expect(await probe(await listen(createServer(answer(200))))).toBe(0);
  });

  test.each([503, 404, 500])('fails when the part answers %i', async (status) => {
    expect(await probe(await listen(createServer(answer(status))))).not.toBe(0);
  });

  test('fails when nothing listens, or what listens hangs up', async () => {
    const [port = 0] = await freePorts(1);
    expect(await probe(port)).not.toBe(0);
    expect(await probe(await listen(createPlainServer((socket) => socket.destroy())))).not.toBe(0);
  });
});

describe('.dockerignore', () => {
  const patterns = readFileSync(join(ROOT, '.dockerignore'), 'utf8').trim().split('\n');

  /** As Docker reads the file: the last pattern that fits the path or a folder above it decides. */
  function isIgnored(path: string): boolean {
    const parts = path.split('/');
    const folders = parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
    const last = patterns.findLast((pattern) =>
      folders.some((folder) => matchesGlob(folder, pattern.replace('!', ''))),
    );
    return last !== undefined && !last.startsWith('!');
  }

  test.each(['package.json', 'pnpm-lock.yaml', 'apps/sts/src/main.ts', 'packages/auth/package.json'])(
    'lets %s into an image',
    (path) => {
      expect(isIgnored(path)).toBe(false);
    },
  );

  test.each([
    '.env',
    'deploy/nginx.conf',
    'apps/sts/.env',
    'apps/web/.env.local',
    'packages/auth/client.pem',
    'packages/auth/src/client.key',
    'apps/api1/npm-debug.log',
    'apps/api1/coverage/index.html',
    'packages/service/coverage/lcov.info',
    'apps/sts/test/app.test.ts',
    'apps/sts/.data/sts.db',
    'apps/web/node_modules/react/index.js',
  ])('keeps %s out', (path) => {
    expect(isIgnored(path)).toBe(true);
  });
});

describe('the Dockerfile', () => {
  const [, refuse = 'exit 0'] = /^ARG APP\nRUN (if .*)$/m.exec(dockerfile) ?? [];

  test.each([
    ['', 1],
    ['nothing', 1],
    ['sts', 0],
  ])('with APP=%j ends with %i', (APP, status) => {
    const { status: code, stderr } = spawnSync('sh', ['-c', refuse], {
      cwd: ROOT,
      env: { APP },
      encoding: 'utf8',
    });
    expect(code).toBe(status);
    expect(stderr).toBe(status === 0 ? '' : 'Which part? docker build --build-arg APP=sts .\n');
  });
});

test('an image keeps its part and the packages that it uses, and no other', () => {
  const [, list = ''] = /&& pnpm (--filter-prod .* --parseable) > \/tmp\/used/.exec(dockerfile) ?? [];
  const parameters = list.replaceAll(/"@behalf\/\$\{APP\}\.\.\."/g, '@behalf/api1...').split(' ');
  const { stdout } = spawnSync('npx', ['--yes', 'pnpm@12.21.0', ...parameters], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const used = stdout.split('\n').filter((folder) => folder.startsWith(ROOT));
  expect(used.map((folder) => folder.slice(ROOT.length).replace(/^\//, '')).toSorted()).toEqual([
    'apps/api1',
    'packages/auth',
    'packages/demo-steps',
    'packages/service',
  ]);
  expect(dockerfile).toContain('grep -qx "$PWD/$folder" /tmp/used || rm -rf "$folder"');
});
