import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PACKAGES = ['auth', 'extension-grants'];
const EXAMPLES = PACKAGES.map((name) => `readme-of-${name}.ts`);
/** Packages that the two expect their user to have, in the versions that they are tested with here. */
const BESIDE = ['express', 'oidc-provider', 'jose', '@types/express', '@types/node', '@types/oidc-provider'];
const COMPILER_SETTINGS = {
  module: 'nodenext',
  target: 'es2024',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  noEmit: true,
};

let project: string;
beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'behalf-packed-'));
  for (const name of PACKAGES) await pnpm(join(ROOT, 'packages', name), 'pack', '--out', archive(name));
  writeJson('package.json', {
    private: true,
    type: 'module',
    dependencies: {
      ...Object.fromEntries(BESIDE.map((name) => [name, 'catalog:'])),
      ...Object.fromEntries(PACKAGES.map((name) => [`@behalf/${name}`, `file:${archive(name)}`])),
    },
  });
  writeFileSync(join(project, 'pnpm-workspace.yaml'), settingsOfProject());
  writeJson('tsconfig.json', { compilerOptions: COMPILER_SETTINGS, include: ['consumer.ts', ...EXAMPLES] });
  copyFileSync(join(import.meta.dirname, 'packed', 'consumer.ts'), join(project, 'consumer.ts'));
  for (const name of PACKAGES) writeFileSync(join(project, `readme-of-${name}.ts`), exampleOf(name));
  await pnpm(project, 'install', '--no-frozen-lockfile', '--prefer-offline', '--ignore-scripts');
}, 120_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('@behalf/auth and @behalf/extension-grants, packed and installed in an empty project', () => {
  test('are JavaScript with types, and no source', async () => {
    for (const name of PACKAGES) {
      const { stdout } = await run('tar', ['-tzf', archive(name)]);
      const files = stdout.trim().split('\n');
      const wanted = ['package/README.md', 'package/dist/index.js', 'package/dist/index.d.ts'];
      expect(files).toEqual(expect.arrayContaining(wanted));
      expect(files.filter((file) => /\.test\.|(?<!\.d)\.ts$|tsconfig|testing-/.test(file))).toEqual([]);
    }
  });

  test('name versions that anybody can install, and the Node that they need', () => {
    for (const name of PACKAGES) {
      const manifest = readFileSync(join(project, 'node_modules', '@behalf', name, 'package.json'), 'utf8');
      expect(manifest).not.toMatch(/workspace:|catalog:|"private": true/);
      expect(JSON.parse(manifest)).toMatchObject({ engines: { node: '>=22.12' } });
    }
  });

  test('type-check in the program that uses them, and in the examples of their READMEs', async () => {
    const compiler = createRequire(import.meta.url).resolve('typescript/package.json');
    const checked = run(process.execPath, [join(dirname(compiler), 'bin', 'tsc'), '-p', project]);
    expect(await checked.catch((error: unknown) => error)).toEqual({ stdout: '', stderr: '' });
  });

  test.each(EXAMPLES)('start as in %s', async (file) => {
    const { stderr } = await run(process.execPath, ['--no-warnings', file], { cwd: project });
    expect(stderr).not.toContain('Error');
  });

  test('verify tokens behind Express, and add a grant to a provider', async () => {
    const { stdout, stderr } = await run(process.execPath, ['--no-warnings', 'consumer.ts'], {
      cwd: project,
    });
    expect(stderr).not.toContain('Error');
    const answers = JSON.parse(stdout.slice(stdout.indexOf('{"api"'))) as unknown;
    expect(answers).toEqual({
      api: {
        good: [200, { caller: 'user-1' }],
        none: expect.stringMatching(/^Bearer resource_metadata=/),
        foreign: 401,
      },
      provider: { status: 200, scope: 'orders.read', refused: 'invalid_grant' },
    });
  });
});

const run = promisify(execFile);

function pnpm(cwd: string, ...args: readonly string[]) {
  return run('pnpm', [...args], { cwd, shell: process.platform === 'win32' });
}

/** The TypeScript of a package's README. */
function exampleOf(name: string): string {
  const page = readFileSync(join(ROOT, 'packages', name, 'README.md'), 'utf8');
  const [, code] = /^```ts\n(.*?)^```$/ms.exec(page) ?? [];
  if (code === undefined) throw new Error(`the README of ${name} has no example`);
  return code;
}

function archive(name: string): string {
  return join(project, `${name}.tgz`);
}

function writeJson(file: string, content: unknown): void {
  writeFileSync(join(project, file), JSON.stringify(content, null, 2));
}

/** This repository's versions; and what one of the packages needs of the other is the packed one, not a published one. */
function settingsOfProject(): string {
  const settings = readFileSync(join(ROOT, 'pnpm-workspace.yaml'), 'utf8');
  const catalog = settings.slice(settings.indexOf('\ncatalog:'));
  return `${catalog}\npmOnFail: ignore\noverrides:\n  '@behalf/auth': 'file:${archive('auth')}'\n`;
}
