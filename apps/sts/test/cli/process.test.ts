/** The command line as a process of its own, beside a running development server. */

import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askSecret } from '../../src/cli/command.ts';
import { startTestSts, type TestSts } from '../support/sts.ts';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');

let sts: TestSts;

beforeAll(async () => {
  sts = await startTestSts();
});

afterAll(() => sts.close());

/** Output and exit code of a command that is told nothing but where the data are. */
async function run(line: string, environment: Readonly<Record<string, string>> = {}) {
  const options = { env: { PATH: process.env['PATH'], DATA_DIR: sts.config.dataDirectory, ...environment } };
  return promisify(execFile)(process.execPath, [CLI, ...line.split(' ')], options).then(
    ({ stdout }) => ({ code: 0, text: stdout }),
    (error: { code: number; stderr: string }) => ({ code: error.code, text: error.stderr }),
  );
}

/** All rows that a seed writes. */
async function registered() {
  const { db } = sts.state.database;
  return {
    clients: await db.selectFrom('clients').selectAll().orderBy('id').execute(),
    secrets: await db.selectFrom('client_secrets').selectAll().orderBy('client_id').execute(),
    users: await db.selectFrom('users').select(['id', 'name', 'disabled']).orderBy('id').execute(),
  };
}

describe('beside a development server on addresses of its own', () => {
  test('a command finds them by itself and writes nothing', async () => {
    await sts.state.database.db.deleteFrom('clients').where('id', '=', 'machine.client').execute();
    const before = await registered();
    expect(await run('ledger')).toEqual({ code: 0, text: 'nothing is recorded\n' });
    expect(await run(`policy check --actor api1.client --from ${sts.issuer} --having account`)).toMatchObject(
      { code: 0 },
    );
    expect(await registered()).toEqual(before);
  });

  test('seed writes what is missing, with the addresses of that server', async () => {
    const webClient = async () => (await registered()).clients.find(({ id }) => id === 'web.client');
    const before = await webClient();
    expect(await run('seed')).toMatchObject({ code: 0 });
    expect((await registered()).clients.map(({ id }) => id)).toContain('machine.client');
    expect(await webClient()).toEqual(before);
  });

  test.each([
    ['another issuer', { ISSUER: 'http://localhost:4999' }, 'not to one with ISSUER=http://localhost:4999'],
    ['production', { ...production(), DEMO_DATA: 'off' }, 'in development, not to one'],
  ])('a command for %s is refused by name', async (_name, environment, says) => {
    const before = await registered();
    const { code, text } = await run('seed', environment);
    expect(code).toBe(1);
    expect(text).toContain(sts.issuer);
    expect(text).toContain(says);
    expect(await registered()).toEqual(before);
  });
});

describe('where no server has started', () => {
  test('a command makes no database', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'behalf-cli-'));
    const { code, text } = await run('ledger', { DATA_DIR: join(folder, 'data') });
    expect(code).toBe(1);
    expect(text).toContain('there is no database');
    await expect(cp(join(folder, 'data'), join(folder, 'copy'), { recursive: true })).rejects.toThrow(
      'ENOENT',
    );
    await rm(folder, { recursive: true });
  });
});

test('the echo is off before the question for a password shows', async () => {
  const events: string[] = [];
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode(raw: boolean) {
      events.push(raw ? 'echo off' : 'echo on');
      return stdin;
    },
  });
  const stderr = { write: (text: string) => events.push(text) };
  const terminal = { stdin, stderr } as unknown as Parameters<typeof askSecret>[1];
  const asked = askSecret('Password: ', terminal);
  stdin.write('a password\r');
  expect(await asked).toBe('a password');
  expect(events).toEqual(['echo off', 'Password: ', 'echo on', '\n']);
});

function production(): Readonly<Record<string, string>> {
  return {
    NODE_ENV: 'production',
    ISSUER: 'https://sts.example',
    API1_RESOURCE: 'https://api1.example',
    API2_RESOURCE: 'https://api2.example',
    SUBSCRIPTIONS_RESOURCE: 'https://subscriptions.example',
    AGENT_RESOURCE: 'https://agent.example',
    WEB_URL: 'https://web.example',
    API1_CLIENT_SECRET: 'a generated secret 1',
    API2_CLIENT_SECRET: 'a generated secret 2',
    SUBSCRIPTIONS_CLIENT_SECRET: 'a generated secret 3',
    AGENT_CLIENT_SECRET: 'a generated secret 7',
    KEY_ENCRYPTION_KEY: `one:${Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64')}`,
  };
}
