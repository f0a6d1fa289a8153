/** The code of docs/add-a-grant.md is compiled and run as it stands there. */

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { decodeJwt } from 'jose';
import { Provider } from 'oidc-provider';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExtensionGrantValidator } from '../src/contract.ts';
import { as, MACHINE, ORDERS, startTestServer, TARGETS, USER } from './support/server.ts';

interface Documented {
  createBadgeGrant(find: (badge: string) => Promise<unknown>): ExtensionGrantValidator;
  addGrants(provider: Provider, apis: typeof TARGETS, find: (badge: string) => Promise<unknown>): void;
}

const ROOT = path.resolve(import.meta.dirname, '..');

const findWearer = async (badge: string) => (badge === '4711' ? { userId: USER, shift: 'night' } : undefined);

let directory: string;

let file: string;

let examples: readonly string[];

beforeAll(async () => {
  const page = await readFile(path.join(ROOT, '../../docs/add-a-grant.md'), 'utf8');
  examples = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
  await mkdir(path.join(ROOT, '.data'), { recursive: true });
  directory = await mkdtemp(path.join(ROOT, '.data', 'add-a-grant-'));
  file = path.join(directory, 'example.ts');
  await writeFile(file, examples.join('\n'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

test('each grant takes fewer than 40 lines', () => {
  expect(examples).toHaveLength(3);
  for (const example of examples) expect(example.split('\n').length).toBeLessThan(40);
});

test('it compiles under this repository’s own settings', async () => {
  const settings = { extends: path.join(ROOT, 'tsconfig.json'), include: [file] };
  const project = path.join(directory, 'tsconfig.json');
  await writeFile(project, JSON.stringify(settings));
  const packageFile = createRequire(import.meta.url).resolve('typescript/package.json');
  const tsc = path.join(path.dirname(packageFile), 'bin', 'tsc');
  const compiled = await promisify(execFile)(process.execPath, [tsc, '-p', project]).catch(
    (error: unknown) => error,
  );
  expect(compiled).toEqual({ stdout: '', stderr: '' });
});

test('it grants and refuses as the page says', async () => {
  const { createBadgeGrant } = (await import(file)) as Documented;
  const server = await startTestServer({
    validators: [createBadgeGrant(findWearer)],
    configuration: { clients: [{ ...MACHINE, client_id: 'tier', grant_types: ['badge'] }] },
  });
  try {
    const request = { grant_type: 'badge', scope: 'orders.read', ...as('tier') };
    const granted = (await (await server.post({ ...request, badge: '4711' })).json()) as Record<
      string,
      unknown
    >;
    expect(granted).toMatchObject({ expires_in: 120, scope: 'orders.read' });
    expect(decodeJwt(String(granted['access_token']))).toMatchObject({
      sub: USER,
      aud: ORDERS,
      shift: 'night',
      amr: ['badge'],
    });

    expect(await (await server.post({ ...request, badge: '4712' })).json()).toMatchObject({
      error: 'invalid_grant',
    });
    expect(await (await server.post(request)).json()).toEqual({
      error: 'invalid_grant',
      error_description: 'badge is missing',
    });
    expect(server.refused).toMatchObject([{ detail: 'unknown_badge' }, { detail: undefined }]);
  } finally {
    await server.close();
  }
});

test('its registration adds it to a provider', async () => {
  const { addGrants } = (await import(file)) as Documented;
  const provider = new Provider('http://localhost', { features: { resourceIndicators: { enabled: true } } });
  addGrants(provider, TARGETS, findWearer);
  expect(() => addGrants(provider, TARGETS, findWearer)).toThrow(/already/);
});
