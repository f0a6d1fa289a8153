/** A Redis or Valkey server for tests: nobody has to install one by hand. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const CACHE = join(import.meta.dirname, '..', '..', '..', '..', 'node_modules', '.cache');

/** Debian's server is in `redis-tools`, under another name; the others are its libraries. */
const DEBIANS = [
  'redis-tools',
  'liblzf1',
  'libjemalloc2',
  'liblua5.1-0',
  'lua-cjson',
  'lua-bitop',
  'libatomic1',
];

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** On this port of this machine (default: a free one), without data on disk. Throws when there is no server to be had. */
export async function startRedis(port?: number): Promise<RedisServer> {
  const { program, libraries } = await findServer();
  port ??= await freePort();
  const child = spawn(
    program,
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...(libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries }) },
    },
  );
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let written = '';
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`the server ended: ${written}`)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      written += text;
      if (/ready to accept connections/i.test(written)) resolve();
    });
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    async close() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function findServer(): Promise<{ readonly program: string; readonly libraries?: string }> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  for (const name of ['valkey-server', 'redis-server']) {
    const folder = folders.find((each) => existsSync(join(each, name)));
    if (folder !== undefined) return { program: join(folder, name) };
  }
  const kept = join(CACHE, 'redis');
  if (!existsSync(kept)) await unpackDebians(kept);
  const libraries = globSync(['usr/lib', 'usr/lib/*-linux-gnu'], { cwd: kept }).map((folder) =>
    join(kept, folder),
  );
  return { program: join(kept, 'usr/bin/redis-server'), libraries: libraries.join(delimiter) };
}

/** Debian's packages without installing them: no service is started on this machine. */
async function unpackDebians(folder: string): Promise<void> {
  process.stdout.write('There is no Redis on this machine. Fetching Debian’s …\n');
  mkdirSync(CACHE, { recursive: true });
  const cwd = mkdtempSync(join(CACHE, 'redis-'));
  try {
    const download = () => run('apt-get', ['download', '-qq', ...DEBIANS], { cwd, timeout: 120_000 });
    await download().catch(async () => {
      await run('apt-get', ['update', '-qq'], { timeout: 120_000 });
      await download();
    });
    for (const file of globSync('*.deb', { cwd })) await run('dpkg-deb', ['-x', file, 'unpacked'], { cwd });
    symlinkSync('redis-check-rdb', join(cwd, 'unpacked/usr/bin/redis-server'));
    renameSync(join(cwd, 'unpacked'), folder);
  } catch (cause) {
    throw new Error('no Redis to test with: install valkey-server or redis-server', { cause });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
